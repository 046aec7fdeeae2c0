import type { OperatorConfig } from '../../operations/clients';
import type { AwsProvider, SdkV2Credentials } from '../framework';

/** Region and credentials as the framework resolved them: profile, environment, single sign-on, role. */
export async function awsConfig(provider: AwsProvider): Promise<OperatorConfig> {
  const region = provider.getRegion();
  if (provider.getAwsSdkV3Config !== undefined) {
    const { credentials, ...client } = await provider.getAwsSdkV3Config();
    return { region, client, credentials: credentials as OperatorConfig['credentials'] };
  }
  const { credentials } = provider.getCredentials?.() ?? {};
  return { region, credentials: credentials && (() => resolved(credentials)) };
}

/** SDK v2 fills in the fields of the object; SDK v3 wants them when it asks. */
async function resolved(credentials: SdkV2Credentials) {
  await credentials.getPromise?.();
  const { accessKeyId, secretAccessKey, sessionToken, expireTime } = credentials;
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    ...(expireTime && { expiration: expireTime }),
  };
}
