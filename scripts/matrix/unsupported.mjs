/** What cannot be packaged with a framework although no plugin of ours is there: seen by trying it so. */
export const WITHOUT = {};
