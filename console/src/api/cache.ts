// The cache of what the server said, and what "this changed" does to it.
import { type InvalidateOptions, type InvalidateQueryFilters, QueryClient, type QueryKey } from "@tanstack/react-query";

/**
 * A query client that misses no change. As the library has it, a change asks for nothing while the very first answer to a
 * query is on its way, and that answer counts as fresh though the server may have read it before the change. Here it is
 * asked for once more when it has come.
 */
export class Cache extends QueryClient {
  readonly #again = new Set<string>();

  override invalidateQueries<TKey extends QueryKey = QueryKey>(filters?: InvalidateQueryFilters<TKey>, options?: InvalidateOptions): Promise<void> {
    const onTheirWay = this.getQueryCache().findAll({ ...(filters as InvalidateQueryFilters), fetchStatus: "fetching" });
    for (const { queryHash, queryKey, promise } of onTheirWay.filter((q) => q.state.data === undefined && !this.#again.has(q.queryHash))) {
      this.#again.add(queryHash);
      const came = () => {
        this.#again.delete(queryHash);
        void super.invalidateQueries({ queryKey, exact: true });
      };
      promise?.then(came, () => this.#again.delete(queryHash));
    }
    return super.invalidateQueries(filters, options);
  }
}
