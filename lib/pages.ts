/** What a paged operation of AWS takes and gives beside its items. */
export interface PageToken {
  NextToken?: string;
}

/** Everything of a paged listing, for clients that have no paginators of their own. */
export async function allPages<T>(
  read: (page: PageToken) => Promise<{ items: readonly T[] | undefined; NextToken: string | undefined }>,
): Promise<T[]> {
  const all: T[] = [];
  let page: PageToken = {};
  do {
    const { items = [], NextToken } = await read(page);
    all.push(...items);
    page = NextToken ? { NextToken } : {};
  } while (page.NextToken !== undefined);
  return all;
}
