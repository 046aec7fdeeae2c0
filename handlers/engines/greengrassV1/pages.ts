/** All items of a list that comes in pages; this client has no paginators of its own. */
export async function allPages<T>(
  page: (token: { NextToken?: string }) => Promise<{ items: T[] | undefined; next: string | undefined }>,
): Promise<T[]> {
  const all: T[] = [];
  let token: string | undefined;
  do {
    const { items, next } = await page(token === undefined ? {} : { NextToken: token });
    all.push(...(items ?? []));
    token = next;
  } while (token !== undefined && token !== '');
  return all;
}
