import type { Cloud } from '../../ports';
import type { Clock } from '../../../lib/clock';
import { createCloud } from '../../cloud/cloud';
import { createHttpClient } from '../../cloud/http';
import { createSignedHttp } from '../../cloud/signedHttp';
import { createTokenExchange } from '../../cloud/tokenExchange';
import type { V1Environment } from './environment';

/** The cloud's HTTP routes with the role of the Greengrass group. */
export function connectV1Cloud(
  { group, httpUrl, region }: V1Environment,
  variables: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Cloud {
  const http = createHttpClient();
  const credentials = createTokenExchange({ variables, http, clock });
  const signed = createSignedHttp({ region, service: 'execute-api', credentials, http });
  return createCloud({ group, httpUrl, signed, http });
}
