import type { CloudContext, Service } from '../../base/context';
import { headerValue, listen, type HttpRequest, type HttpResponse } from '../../base/http';
import { answerInItsProtocol } from './protocols';

/**
 * Stands for every service that the local cloud does not have, at the address that `AWS_ENDPOINT_URL` names:
 * an SDK goes there for what has no address of its own. It answers in the protocol of the service with an
 * error that says what is missing and which setting leads elsewhere.
 */
export async function createNotSimulated({ host, log }: CloudContext): Promise<Service> {
  const server = await listen({
    host,
    log,
    async handle(request): Promise<HttpResponse> {
      const service = serviceOf(request);
      const setting = `AWS_ENDPOINT_URL_${service.toUpperCase().replace(/\W/g, '_')}`;
      const message =
        `${service} is not simulated by the local cloud. Set ${setting} before "sls edge dev" to use one ` +
        'that runs elsewhere, such as an emulator on this machine.';
      log.warn({ missing: service, setting }, 'a function called a service that is not simulated');
      return answerInItsProtocol(request, { service, code: 'NotSimulatedException', message });
    },
  });
  return { url: server.url, close: () => server.close() };
}

/** Names in signatures that are not the service's id in settings. */
const IDS: Record<string, string> = {
  'cognito-identity': 'cognito_identity',
  'cognito-idp': 'cognito_identity_provider',
  'execute-api': 'apigatewaymanagementapi',
  email: 'ses',
  events: 'eventbridge',
  logs: 'cloudwatch_logs',
  monitoring: 'cloudwatch',
  'rds-data': 'rds_data',
  secretsmanager: 'secrets_manager',
  ses: 'sesv2',
  states: 'sfn',
};

/**
 * The service's id as settings have it: the SDK for JavaScript says it in its user agent
 * (`api/secrets_manager#3.975.0`); else the name that the request is signed for.
 * https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html
 */
function serviceOf(request: HttpRequest): string {
  const agents = ['x-amz-user-agent', 'user-agent'].map((name) => headerValue(request, name) ?? '').join(' ');
  const told = /\bapi\/([\w.-]+)#/.exec(agents)?.[1];
  if (told !== undefined) return told;
  const query = new URL(request.url, 'http://local').searchParams.get('X-Amz-Credential') ?? '';
  const credential = /Credential=([^,\s]+)/.exec(headerValue(request, 'authorization') ?? '')?.[1] ?? query;
  const signed = credential.split('/')[3] ?? 'this service';
  return IDS[signed] ?? signed;
}
