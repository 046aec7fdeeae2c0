export const handler = async (event: unknown): Promise<unknown> => ({ from: 'b', event });
