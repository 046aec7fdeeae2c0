/** Deleting what is gone already is no failure: a function or an API takes its parts with it. */
export async function unlessAbsent(code: string, remove: () => void | Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== code) throw error;
  }
}
