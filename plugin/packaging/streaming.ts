import { EdgeError } from '../../protocol';
import { handlerModuleCandidates, type PackageEntry } from '../../protocol/functionPackage';

/**
 * A handler that is a stream from the start, as a bundler writes it at the top level. Libraries name the
 * same function further in without ever calling it, so nothing else in the text tells; what is missed
 * here says so when it is loaded on the edge.
 */
const STREAMED =
  /^(?:export\s+)?(?:(?:const|let|var)\s+\w+|(?:module\.)?exports\.\w+)\s*=\s*awslambda\.streamifyResponse\(/m;

/** Throws UNSUPPORTED for a handler that streams its response: an edge answers with one message. */
export function requireNoStreaming(entries: readonly PackageEntry[], handler: string): void {
  const candidates = handlerModuleCandidates(handler);
  const module = entries.find(({ path }) => candidates.includes(path));
  if (module === undefined || !STREAMED.test(module.content.toString('utf8'))) return;
  throw new EdgeError('UNSUPPORTED', 'the handler streams its response, which an edge cannot', {
    field: 'handler',
    expected: 'a handler without awslambda.streamifyResponse, or `locations: [cloud]`',
  });
}
