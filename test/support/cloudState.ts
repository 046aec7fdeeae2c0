import { GetAliasCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { Environment } from '../../local';
import type { UploadResult } from '../../protocol';

/** What an operator sees of a deployed service through the AWS SDK. */
export interface CloudState {
  /** Key and ETag of every object below `prefix`, sorted. */
  objects(bucket: string, prefix: string): Promise<string[]>;
  lambdaNames(): Promise<string[]>;
  /** The version that an alias points at. */
  aliasVersion(functionName: string, alias: string): Promise<string | undefined>;
  close(): void;
}

export function cloudState({ cloud }: Environment): CloudState {
  const variables = cloud.environment();
  const options = (service: string) => ({
    region: cloud.region,
    endpoint: variables[`AWS_ENDPOINT_URL_${service}`] ?? '',
    credentials: {
      accessKeyId: variables['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: variables['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  });
  const s3 = new S3Client(options('S3'));
  const lambda = new LambdaClient(options('LAMBDA'));
  return {
    async objects(Bucket, Prefix) {
      const { Contents = [], IsTruncated } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
      if (IsTruncated) throw new Error(`more objects below ${Prefix} than one page holds`);
      return Contents.map(({ Key, ETag }) => `${Key} ${ETag}`).sort();
    },
    async lambdaNames() {
      const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
      return Functions.map(({ FunctionName }) => FunctionName ?? '').sort();
    },
    async aliasVersion(FunctionName, Name) {
      return (await lambda.send(new GetAliasCommand({ FunctionName, Name }))).FunctionVersion;
    },
    close() {
      s3.destroy();
      lambda.destroy();
    },
  };
}

/** Puts a package where an uploader puts it, and resolves with what became of it. */
export async function upload(
  { operator, outputs }: Environment,
  name: string,
  bytes: Uint8Array,
): Promise<UploadResult> {
  return operator.waitForResult(await operator.uploadPackage(outputs.functionsBucket, name, bytes));
}
