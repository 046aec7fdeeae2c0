/**
 * Between `sls edge dev` and the framework that packages for it: `serverless package` as a child that stays
 * when it is done, and packages the functions again, as often as it is asked, without starting anew. Over the
 * child's IPC channel.
 */

/** Set for the child: it stays. */
export const PACKAGER_VARIABLE = 'EDGE_PACKAGER';

/** To the child: package what `edge.functions` names again. */
export interface PackageAgain {
  type: 'package';
  id: number;
}

export interface PackagedFile {
  name: string;
  /** The function package. */
  file: string;
  /** Name of the Lambda function of the stack that has the same code. */
  cloudFunction?: string;
}

/** From the child: the first packaging is done; then, for each request, the function packages, or why there are none. */
export type PackagerMessage =
  | { type: 'ready' }
  | { type: 'packaged'; id: number; packages: PackagedFile[] }
  | { type: 'failed'; id: number; message: string };
