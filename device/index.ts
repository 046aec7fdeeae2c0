export { EdgeClient } from './client';
export { EdgeFunction } from './edgeFunction';
export { EdgeError, type ErrorBody, type ErrorCode } from '../protocol/errors';
export type * from './types';
