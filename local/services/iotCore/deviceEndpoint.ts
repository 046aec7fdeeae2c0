import type { TLSSocket } from 'node:tls';
import { AwsError, type Credentials } from '../../base/context';
import { jsonErrorResponse, jsonResponse } from '../../base/rest/json';
import type { HttpRequest, HttpResponse } from '../../base/http';
import { peerCertificateId } from './deviceTls';
import type { DeviceService, DiscoveryResponse, IotContext } from './types';

export interface DeviceEndpointOptions {
  discover(thingName: string): DiscoveryResponse | undefined;
  /** What other services answer to devices. */
  services: readonly DeviceService[];
  /** Called with the session that was made and the thing that it is for, where the device named one. */
  onCredentials(accessKeyId: string, thingName: string | undefined): void;
}

const CREDENTIALS = /^\/role-aliases\/([^/]+)\/credentials$/;
const DISCOVERY = /^\/greengrass\/discover\/thing\/([^/]+)$/;
const SERVICE = 'credentials.iot.amazonaws.com';

/**
 * What devices reach over HTTPS with their certificate alone: the credentials provider (AWS IoT
 * developer guide, "Authorizing direct calls to AWS services") and Greengrass discovery.
 */
export function createDeviceEndpoint(
  context: IotContext,
  options: DeviceEndpointOptions,
): (request: HttpRequest) => Promise<HttpResponse> {
  const { registry, log } = context;

  async function answer(request: HttpRequest): Promise<HttpResponse> {
    const certificateId = peerCertificateId(request.socket as TLSSocket);
    if (certificateId === undefined || !registry.certificates.isActive(certificateId)) {
      log.warn({ certificateId }, 'refused: not an active, valid certificate of the registry');
      throw new AwsError('AccessDeniedException', 'Invalid certificate', 403);
    }
    const { pathname, searchParams } = new URL(request.url, 'https://local');
    const alias = request.method === 'GET' ? CREDENTIALS.exec(pathname)?.[1] : undefined;
    if (alias !== undefined) return jsonResponse(credentialsFor(alias, certificateId, request));
    const thingName = request.method === 'GET' ? DISCOVERY.exec(pathname)?.[1] : undefined;
    if (thingName !== undefined) return jsonResponse(discover(decode(thingName), certificateId));
    const thing = request.headers['x-amzn-iot-thingname'] as string | undefined;
    const { method, body } = request;
    const call = {
      method,
      pathname,
      query: searchParams,
      body,
      certificateId,
      ...(thing && { thingName: thing }),
    };
    for (const serve of options.services) {
      const served = serve(call);
      if (served !== undefined) return jsonResponse(await served);
    }
    log.warn({ method: request.method, path: pathname }, 'not supported by the local device endpoint');
    throw new AwsError('ResourceNotFoundException', `${request.method} ${pathname} is not supported`, 404);
  }

  function credentialsFor(alias: string, certificateId: string, request: HttpRequest): unknown {
    const thingName = request.headers['x-amzn-iot-thingname'] as string | undefined;
    requireAttached(thingName, certificateId, 'Invalid thing name passed');
    const roleAlias = decode(alias);
    const resource = context.arns.of('rolealias', roleAlias);
    requireAllowed(
      { certificateId, ...(thingName && { thingName }) },
      'iot:AssumeRoleWithCertificate',
      resource,
    );
    const { roleArn, credentialDurationSeconds } = registry.roleAliases.describe(roleAlias);
    const credentials = context.cloud.iam.assumeRole(
      roleArn,
      certificateId,
      SERVICE,
      credentialDurationSeconds,
    );
    options.onCredentials(credentials.accessKeyId, thingName);
    return { credentials: inAwsForm(credentials) };
  }

  function discover(thingName: string, certificateId: string): DiscoveryResponse {
    requireAttached(thingName, certificateId, 'The certificate does not belong to this thing');
    requireAllowed({ certificateId, thingName }, 'greengrass:Discover', context.arns.of('thing', thingName));
    const found = options.discover(thingName);
    if (found !== undefined) return found;
    throw new AwsError('ResourceNotFoundException', 'No core is associated with this thing', 404);
  }

  function requireAttached(thingName: string | undefined, certificateId: string, message: string): void {
    if (thingName === undefined || registry.things.isAttached(thingName, certificateId)) return;
    log.warn({ thingName, certificateId }, 'refused: the certificate is not attached to the thing');
    throw new AwsError('AccessDeniedException', message, 403);
  }

  function requireAllowed(
    identity: { certificateId: string; thingName?: string },
    action: string,
    resource: string,
  ): void {
    if (context.authorisation.allows(identity, { action, resource })) return;
    throw new AwsError('AccessDeniedException', 'Access Denied', 403);
  }

  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      return jsonErrorResponse(error, log);
    }
  };
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

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AwsError('InvalidRequestException', 'malformed path');
  }
}
