/** Names as PostgreSQL itself gives them, so that migrations need not spell out every foreign key. */
import { EntityCaseNamingStrategy } from "@mikro-orm/core";

/** Properties are named like their columns (snake_case); an unnamed foreign key is `{table}_{columns}_fkey`. */
export class RowNaming extends EntityCaseNamingStrategy {
  override indexName(
    table: string,
    columns: string[],
    type: Parameters<EntityCaseNamingStrategy["indexName"]>[2],
  ): string {
    return type === "foreign" ? `${table}_${columns.join("_")}_fkey` : super.indexName(table, columns, type);
  }

  /** A reference is named like its column too: `tenant_id`, not `tenant`. */
  override joinKeyColumnName(property: string): string {
    return property;
  }
}
