import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { EdgeError } from '../../protocol';
import type { CloudFormation, Stack } from '.';
import { OUTSIDE } from './outside';
import { selectNeeded, type LeftOut, type Selection } from './selection';
import { parseTemplate, parseUnderstood, type Template } from './template';
import type { Credentials, Service } from '../base/context';
import { PROVIDERS } from '../services/cloudFormation';

export interface DeployRequest {
  stackName: string;
  /** The compiled template as parsed JSON; it is not changed. */
  template: unknown;
  /** Folder with the files that the template's `Code.S3Key` name. */
  artifacts: string;
  parameters?: Record<string, unknown>;
  /** Changes a copy of the template before it is deployed. */
  transform?(template: unknown): void;
  /** Logical ids of what is wanted: only that is made, with what it needs. Absent: all of the template. */
  isNeeded?: (logicalId: string) => boolean;
}

/** A stack, and what is otherwise than its template says. */
export interface Deployment extends Stack {
  leftOut: LeftOut[];
  /** A line each. */
  notes: string[];
}

export interface DeployerOptions {
  cloudFormation: CloudFormation;
  account: string;
  region: string;
  s3: Service;
  operator: Credentials;
}

interface CodeLocation {
  bucket: unknown;
  key: string;
}

/**
 * Deploys as the framework does: first a stack with the deployment bucket alone, then the code, then
 * the whole. Nothing is made before the whole template is known to be understood.
 */
export function createDeployer(options: DeployerOptions): (request: DeployRequest) => Promise<Deployment> {
  const { cloudFormation } = options;
  return async (wanted) => {
    const { stackName, artifacts, parameters } = wanted;
    const { template, standIns, leftOut = [], notes = [] } = templateOf(wanted, options);
    const request = { stackName, template, ...(standIns && { standIns }), ...(parameters && { parameters }) };
    cloudFormation.validate(request);
    const code = codeLocations(template);
    const buckets = bucketsOnly(template, code);
    if (Object.keys(buckets.Resources).length > 0 && cloudFormation.stack(stackName) === undefined) {
      await cloudFormation.deploy({ ...request, template: buckets });
    }
    await upload(options, code, artifacts, (bucket) => bucketName(cloudFormation.stack(stackName), bucket));
    return { ...(await cloudFormation.deploy(request)), leftOut, notes };
  };
}

function templateOf(
  wanted: DeployRequest,
  { account, region }: DeployerOptions,
): { template: Template } & Partial<Selection> {
  const { stackName, isNeeded, parameters = {} } = wanted;
  const raw = structuredClone(wanted.template);
  wanted.transform?.(raw);
  if (isNeeded === undefined) return { template: parseTemplate(raw) };
  const facts = { stackName, account, region, parameters };
  return selectNeeded(parseUnderstood(raw), facts, PROVIDERS, isNeeded);
}

function codeLocations({ Resources }: Template): CodeLocation[] {
  const locations = new Map<string, CodeLocation>();
  for (const { Type, Properties } of Object.values(Resources)) {
    const code = Properties['Code'] as { S3Bucket?: unknown; S3Key?: unknown } | undefined;
    if (Type !== 'AWS::Lambda::Function' || typeof code?.S3Key !== 'string') continue;
    locations.set(code.S3Key, { bucket: code.S3Bucket, key: code.S3Key });
  }
  return [...locations.values()];
}

function bucketsOnly(template: Template, code: readonly CodeLocation[]): Pick<Template, 'Resources'> {
  const referred = code.map(({ bucket }) => referredId(bucket));
  const resources = Object.entries(template.Resources).filter(
    ([logicalId, { Type }]) => referred.includes(logicalId) || Type === OUTSIDE.bucket,
  );
  const { Parameters, Mappings, Conditions } = template;
  return { Parameters, Mappings, Conditions, Resources: Object.fromEntries(resources) } as Template;
}

function referredId(bucket: unknown): string | undefined {
  const id = (bucket as { Ref?: unknown } | undefined)?.Ref;
  return typeof id === 'string' ? id : undefined;
}

function bucketName(stack: Stack | undefined, bucket: unknown): string {
  const name = typeof bucket === 'string' ? bucket : stack?.resources[referredId(bucket) ?? '']?.ref;
  if (name === undefined) {
    throw new EdgeError('BAD_REQUEST', `cannot tell the deployment bucket from ${JSON.stringify(bucket)}`);
  }
  return name;
}

async function upload(
  { s3, region, operator }: DeployerOptions,
  code: readonly CodeLocation[],
  artifacts: string,
  nameOf: (bucket: unknown) => string,
): Promise<void> {
  const { accessKeyId, secretAccessKey } = operator;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ region, endpoint: s3.url, credentials });
  try {
    await Promise.all(
      code.map(async ({ bucket, key }) => {
        const file = join(artifacts, basename(key));
        const { size } = await stat(file);
        await client.send(
          new PutObjectCommand({
            Bucket: nameOf(bucket),
            Key: key,
            Body: createReadStream(file),
            ContentLength: size,
          }),
        );
      }),
    );
  } finally {
    client.destroy();
  }
}
