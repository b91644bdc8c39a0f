import { describe, expect, it } from "vitest";
import { whyRefused } from "../../src/fetch/check-address.ts";
import { resolveTarget } from "../../src/fetch/resolve-target.ts";
import { maskUrl } from "../../src/fetch/mask-url.ts";

const REFUSED = [
  ...["0.0.0.0", "127.0.0.1", "127.8.9.10", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"],
  ...[
    "100.100.100.200",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.192",
    "198.18.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "240.0.0.1",
  ],
  ...["255.255.255.255", "168.63.129.16", "192.88.99.1"],
  ...["::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "2001::1"],
  ...["::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1"],
  ...["64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::1"],
  ...["::7f00:1", "::808:808", "4000::1", "8000::1", "fb00::1", "1fff::1"],
  ...["localhost", ""],
];
const PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450:4001::1"];

describe("addresses", () => {
  it.each(REFUSED)("%s is refused", (address) => expect(whyRefused(address, [])).toMatch(/./));
  it.each(PUBLIC)("%s may be fetched from", (address) => expect(whyRefused(address, [])).toBeNull());

  it("that the configuration allows may be fetched from, and no others beside them", () => {
    const allow = ["127.0.0.0/8", "fd00::/8"];
    for (const address of ["127.0.0.1", "::ffff:127.0.0.1", "fd00::5"]) expect(whyRefused(address, allow)).toBeNull();
    for (const address of ["10.0.0.1", "::1", "64:ff9b::7f00:1", "2002:7f00:1::"])
      expect(whyRefused(address, allow)).not.toBeNull();
  });
});

describe("a URL", () => {
  const target = (url: string, addresses: string[] = ["8.8.8.8"]) =>
    resolveTarget(new URL(url), {
      ...{ allow: [], headMs: 1_000, signal: new AbortController().signal },
      resolve: async () => addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    });

  const WRONG: [string, RegExp][] = [
    ["ftp://example.org/a.csv", /neither http nor https/],
    ["file:///etc/passwd", /neither http nor https/],
    ["data:text/csv,ref", /neither http nor https/],
    ["http://user:secret@example.org/", /credentials/],
    ["http://127.0.0.1/", /127\.0\.0\.1 is not public but loopback/],
    ["http://127.1/", /127\.0\.0\.1/],
    ["http://2130706433/", /127\.0\.0\.1/],
    ["http://0x7f.0.0.1/", /127\.0\.0\.1/],
    ["http://017700000001/", /127\.0\.0\.1/],
    ["http://[::1]/", /::1 is not public/],
    ["http://[::ffff:7f00:1]/", /IPv4 in IPv6/],
    ["http://169.254.169.254/latest/meta-data/", /link-local, where clouds serve their metadata/],
  ];
  it.each(WRONG)("%s is refused before anything is asked", async (url, says) => {
    const refused = expect(target(url)).rejects;
    await refused.toMatchObject({ code: "url_refused" });
    await refused.toThrow(says);
  });

  it("whose name leads into the network is refused, also where only one of its addresses does", async () => {
    await expect(target("http://rebound.example/", ["10.0.0.7"])).rejects.toThrow(
      "rebound.example leads to 10.0.0.7, and 10.0.0.7 is not public but private",
    );
    await expect(target("http://both.example/", ["8.8.8.8", "::1"])).rejects.toMatchObject({ code: "url_refused" });
    expect(await target("http://fine.example/", ["8.8.8.8"])).toEqual([{ address: "8.8.8.8", family: 4 }]);
  });

  it("is told without what may be secret", () => {
    expect(maskUrl("https://me:pw@example.org:8443/a/b.csv?token=s3cret#x")).toBe(
      "https://example.org:8443/a/b.csv?***",
    );
    expect(maskUrl("https://example.org/a.csv")).toBe("https://example.org/a.csv");
    expect(maskUrl("token=s3cret")).toBe("the URL");
  });
});
