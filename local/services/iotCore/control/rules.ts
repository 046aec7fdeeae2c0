import { AwsError } from '../../../base/context';
import type { RestCall, RestRoute } from '../../../base/rest/service';
import type { Rules } from '../rules';
import type { IotContext } from '../types';

/** Rules are made by CloudFormation; over the API they are switched on and off. */
export function ruleRoutes({ arns }: IotContext, rules: Pick<Rules, 'setDisabled'>): RestRoute[] {
  const nameOf = (call: RestCall): string => call.params.ruleName ?? '';
  const route = (operation: string, verb: string, disabled: boolean): RestRoute => ({
    operation,
    method: 'POST',
    path: `/rules/{ruleName}/${verb}`,
    permissions: (call) => [{ action: `iot:${operation}`, resource: arns.of('rule', nameOf(call)) }],
    handle(call) {
      if (rules.setDisabled(nameOf(call), disabled)) return;
      // The API reference lists no other error for a rule that is not there.
      throw new AwsError('UnauthorizedException', `Access to TopicRule '${nameOf(call)}' was denied`, 401);
    },
  });
  return [route('DisableTopicRule', 'disable', true), route('EnableTopicRule', 'enable', false)];
}
