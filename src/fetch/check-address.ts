/** Which addresses a download may go to: public ones, and those that the configuration allows. */
import ipaddr from "ipaddr.js";

/** Public by their number, and yet served inside a cloud: Azure's wire server, which hands out certificates and secrets. */
const METADATA = new Set(["168.63.129.16"]);

/** Where all public addresses of IPv6 are; the rest is not given out, or is something else in another writing, such as ::127.0.0.1. */
const GLOBAL = ipaddr.IPv6.parseCIDR("2000::/3");

/** What is told of a range, where ipaddr.js' name for it is not plain. */
const RANGES: Record<string, string> = {
  ...{
    linkLocal: "link-local, where clouds serve their metadata",
    uniqueLocal: "private",
    carrierGradeNat: "shared (CGNAT)",
  },
  ...{
    ipv4Mapped: "IPv4 in IPv6",
    rfc6145: "IPv4 in IPv6",
    rfc6052: "IPv4 in IPv6 (NAT64)",
    "6to4": "IPv4 in IPv6 (6to4)",
  },
};

/**
 * Why nothing may be fetched from `address`, or null. `allow`: CIDR blocks that may be used all the same. An IPv4 address inside an IPv6
 * one is refused whatever it is: only what the network makes of it would tell where it leads.
 */
export function whyRefused(address: string, allow: readonly string[]): string | null {
  if (!ipaddr.isValid(address)) return `${address} is no address`;
  const parsed = ipaddr.parse(address);
  const plain = parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed;
  if (allow.some((block) => isWithin(plain, block))) return null;
  if (METADATA.has(plain.toString())) return `${address} serves a cloud's metadata`;
  const range = parsed.range();
  if (range === "unicast" && parsed instanceof ipaddr.IPv6 && !parsed.match(...GLOBAL))
    return `${address} is not public: it is none of 2000::/3`;
  return range === "unicast" ? null : `${address} is not public but ${RANGES[range] ?? range}`;
}

function isWithin(address: ipaddr.IPv4 | ipaddr.IPv6, block: string): boolean {
  const [network, bits] = ipaddr.parseCIDR(block);
  return network.kind() === address.kind() && address.match(network, bits);
}
