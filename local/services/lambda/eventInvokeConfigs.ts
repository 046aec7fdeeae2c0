import type { FunctionRecord } from './functionRecord';
import type { ParsedEventInvokeConfig } from './props';

/** `qualifier`: version, alias or `$LATEST`. */
export function setEventInvokeConfig(
  record: FunctionRecord,
  qualifier: string,
  config: ParsedEventInvokeConfig,
): void {
  record.eventInvokeConfigs.set(qualifier, config);
  record.save();
}

/** Deleting what is not there does nothing. */
export function deleteEventInvokeConfig(record: FunctionRecord, qualifier: string): void {
  if (record.eventInvokeConfigs.delete(qualifier)) record.save();
}
