import type { Logger } from 'pino';
import {
  accessControlSchema,
  MQTT_PROXY_SERVICE,
  type AccessControl,
  type PUBSUB_SERVICE,
} from '../../../protocol/greengrass/accessControl';
import { IpcError } from './operation';

type Service = typeof MQTT_PROXY_SERVICE | typeof PUBSUB_SERVICE;

/**
 * Decides by the `accessControl` of the component's configuration as it is now. Source: developer guide,
 * "Authorize components to perform IPC operations"; the wildcards of resources are those of the nucleus.
 */
export class IpcAuthorisation {
  constructor(
    private readonly configurationOf: (component: string) => Record<string, unknown> | undefined,
    private readonly log: Logger,
  ) {}

  /** Throws IpcError UnauthorizedError. `operation` without `aws.greengrass#`. */
  require(component: string, service: Service, operation: string, resource: string): void {
    const policies = Object.values(this.#accessControl(component)[service] ?? {});
    const mqttStyle = service === MQTT_PROXY_SERVICE;
    const allowed = policies.some(
      ({ operations, resources }) =>
        operations.some((one) => one === '*' || one === `aws.greengrass#${operation}`) &&
        resources.some((pattern) => matchesResource(pattern, resource, mqttStyle)),
    );
    if (allowed) return;
    const message = `Principal ${component} is not authorized to perform ${service}:aws.greengrass#${operation} on resource ${resource}`;
    this.log.warn({ component, service, operation, resource }, 'ipc: not allowed by accessControl');
    throw new IpcError('UnauthorizedError', message);
  }

  #accessControl(component: string): AccessControl {
    const parsed = accessControlSchema.safeParse(this.configurationOf(component)?.['accessControl'] ?? {});
    if (parsed.success) return parsed.data;
    this.log.error({ component, issues: parsed.error.issues }, 'accessControl has not the expected form');
    return {};
  }
}

/**
 * `*` stands for any text, `${*}` for the character itself. For IoT Core also `+` for one level and `#`
 * for all that follow; for local topics these two mean only themselves.
 */
export function matchesResource(pattern: string, resource: string, mqttStyle: boolean): boolean {
  const tokens = pattern.match(/\$\{.\}|\/#$|^#$|[*+]|[^*+$/#]+|./gsu) ?? [];
  const source = tokens.map((token) => {
    if (token === '*') return '.*';
    if (/^\$\{.\}$/su.test(token)) return escape(token.slice(2, -1));
    if (mqttStyle && token === '+') return '[^/]*';
    if (mqttStyle && token === '/#') return '(/.*)?';
    if (mqttStyle && token === '#') return '.*';
    return escape(token);
  });
  return new RegExp(`^${source.join('')}$`, 's').test(resource);
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
