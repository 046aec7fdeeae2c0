import { z } from 'zod';

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const LOG_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const days = (fallback: number, what: string) =>
  z.int().min(1).max(36_500).default(fallback).describe(`${what}, in days.`);

export const retentionSchema = z
  .strictObject({
    logs: z
      .literal(LOG_DAYS)
      .optional()
      .describe(
        'Logs of the system functions, in days. Default: provider.logRetentionInDays, or 30 without that.',
      ),
    uploads: days(30, 'Uploaded packages, once they are registered or refused'),
    results: days(30, 'What became of each upload'),
    status: days(14, 'Status reports of edge cores'),
    edgeLogs: days(7, 'Logs of edge cores and the functions there'),
    failures: days(30, 'What could not be delivered or read'),
    revisions: days(90, 'Older revisions of group definitions and records of deployments'),
  })
  .prefault({})
  .describe('How long things are kept. Packages, the registry and the latest definitions are kept for good.');
