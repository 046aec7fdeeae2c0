import { AwsError, type Credentials } from '../../base/context';
import { headerValue, type HttpRequest, type HttpResponse } from '../../base/http';
import { decodeSegment } from '../../base/rest/input';
import { jsonErrorResponse, jsonResponse } from '../../base/rest/json';
import type { DeviceIdentity, DeviceRequest } from './authorisation';
import type { DeviceCall, DeviceService, Discovery, IotContext } from './context';
import { peerCertificateId } from './deviceTls';

export interface DeviceEndpointParts {
  discovery: Discovery;
  /** What other services answer to devices. */
  services: readonly DeviceService[];
  /** Gets, by the access key id of each session that is made, the thing that it is for, where the device named one. */
  sessionThings: Map<string, string>;
}

const CREDENTIALS = /^\/role-aliases\/([^/]+)\/credentials$/;
const DISCOVERY = /^\/greengrass\/discover\/thing\/([^/]+)$/;
const SERVICE = 'credentials.iot.amazonaws.com';

/**
 * What devices reach over HTTPS with their certificate alone: the credentials provider (AWS IoT
 * developer guide, "Authorizing direct calls to AWS services"), Greengrass discovery and the other
 * services of `parts`, which is read at each request.
 */
export function answerDevices(
  context: IotContext,
  parts: DeviceEndpointParts,
): (request: HttpRequest) => Promise<HttpResponse> {
  const services: DeviceService[] = [
    (call) => credentialsService(context, parts, call),
    (call) => discoveryService(context, parts, call),
    (call) => firstAnswer(parts.services, call),
  ];
  return async (request) => {
    try {
      const call = deviceCall(context, request);
      const answer = firstAnswer(services, call);
      if (answer !== undefined) return jsonResponse(await answer);
      const { method, pathname } = call;
      context.log.warn({ method, path: pathname }, 'not supported by the local device endpoint');
      throw new AwsError('ResourceNotFoundException', `${method} ${pathname} is not supported`, 404);
    } catch (error) {
      return jsonErrorResponse(error, context.log);
    }
  };
}

function firstAnswer(services: readonly DeviceService[], call: DeviceCall): Promise<unknown> | undefined {
  for (const service of services) {
    const answer = service(call);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

/** Throws AccessDeniedException unless the certificate of the connection is registered, active and valid. */
function deviceCall({ registry, log }: IotContext, request: HttpRequest): DeviceCall {
  const certificateId = peerCertificateId(request.socket);
  if (certificateId === undefined || !registry.certificates.isActive(certificateId)) {
    log.warn({ certificateId }, 'refused: not an active, valid certificate of the registry');
    throw accessDenied('Invalid certificate');
  }
  const { pathname, searchParams: query } = new URL(request.url, 'https://local');
  const thingName = headerValue(request, 'x-amzn-iot-thingname');
  const { method, body } = request;
  return { method, pathname, query, body, certificateId, ...(thingName && { thingName }) };
}

function credentialsService(
  context: IotContext,
  { sessionThings }: DeviceEndpointParts,
  { method, pathname, certificateId, thingName }: DeviceCall,
): Promise<unknown> | undefined {
  const alias = method === 'GET' ? CREDENTIALS.exec(pathname)?.[1] : undefined;
  if (alias === undefined) return undefined;
  const { cloud, registry, arns } = context;
  if (thingName !== undefined) {
    requireAttached(context, thingName, certificateId, 'Invalid thing name passed');
  }
  const roleAlias = decodeSegment(alias);
  requireAllowed(
    context,
    { certificateId, ...(thingName && { thingName }) },
    { action: 'iot:AssumeRoleWithCertificate', resource: arns.of('rolealias', roleAlias) },
  );
  const { roleArn, credentialDurationSeconds } = registry.roleAliases.describe(roleAlias);
  const credentials = cloud.iam.assumeRole(roleArn, certificateId, SERVICE, credentialDurationSeconds);
  if (thingName !== undefined) sessionThings.set(credentials.accessKeyId, thingName);
  return Promise.resolve({ credentials: inAwsForm(credentials) });
}

function discoveryService(
  context: IotContext,
  { discovery }: DeviceEndpointParts,
  { method, pathname, certificateId }: DeviceCall,
): Promise<unknown> | undefined {
  const segment = method === 'GET' ? DISCOVERY.exec(pathname)?.[1] : undefined;
  if (segment === undefined) return undefined;
  const thingName = decodeSegment(segment);
  requireAttached(context, thingName, certificateId, 'The certificate does not belong to this thing');
  requireAllowed(
    context,
    { certificateId, thingName },
    { action: 'greengrass:Discover', resource: context.arns.of('thing', thingName) },
  );
  const found = discovery(thingName);
  if (found !== undefined) return Promise.resolve(found);
  throw new AwsError('ResourceNotFoundException', 'No core is associated with this thing', 404);
}

function requireAttached(
  { registry, log }: IotContext,
  thingName: string,
  certificateId: string,
  message: string,
): void {
  if (registry.things.isAttached(thingName, certificateId)) return;
  log.warn({ thingName, certificateId }, 'refused: the certificate is not attached to the thing');
  throw accessDenied(message);
}

function requireAllowed(
  { authorisation }: IotContext,
  identity: DeviceIdentity,
  request: DeviceRequest,
): void {
  if (!authorisation.allows(identity, request)) throw accessDenied('Access Denied');
}

function accessDenied(message: string): AwsError {
  return new AwsError('AccessDeniedException', message, 403);
}

function inAwsForm(credentials: Credentials): Credentials {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = credentials;
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    ...(expiration && { expiration }),
  };
}
