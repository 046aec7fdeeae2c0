import { z } from 'zod';
import type { RestCall, RestPermission, RestRoute } from '../../base/rest/service';
import type { GreengrassContext } from './context';
import { invalid, notFound } from './errors';
import { readInput, tagsSchema } from './input';

type Tags = Record<string, string>;

interface Tagged {
  tags: Tags;
  save(tags: Tags): void;
}

/** Tags of component versions, deployments and core devices. */
export function tagRoutes(context: GreengrassContext): RestRoute[] {
  const arnOf = (call: RestCall): string => call.params.resourceArn ?? '';
  const permissions =
    (action: string) =>
    (call: RestCall): RestPermission[] => [{ action: `greengrass:${action}`, resource: arnOf(call) }];
  const path = '/tags/{resourceArn}';
  return [
    {
      operation: 'ListTagsForResource',
      method: 'GET',
      path,
      permissions: permissions('ListTagsForResource'),
      handle: (call) => ({ tags: tagged(context, arnOf(call)).tags }),
    },
    {
      operation: 'TagResource',
      method: 'POST',
      path,
      permissions: permissions('TagResource'),
      handle(call) {
        const { tags } = readInput(call, z.strictObject({ tags: tagsSchema }));
        const resource = tagged(context, arnOf(call));
        resource.save({ ...resource.tags, ...tags });
      },
    },
    {
      operation: 'UntagResource',
      method: 'DELETE',
      path,
      permissions: permissions('UntagResource'),
      handle(call) {
        const removed = call.query.getAll('tagKeys');
        const resource = tagged(context, arnOf(call));
        resource.save(
          Object.fromEntries(Object.entries(resource.tags).filter(([key]) => !removed.includes(key))),
        );
      },
    },
  ];
}

/** Throws ResourceNotFoundException, ValidationException for what has no tags. */
function tagged({ components, deployments, cores }: GreengrassContext, arn: string): Tagged {
  const [kind, name = '', , version = ''] = arn.split(':').slice(5);
  if (kind === 'components' && version !== '') {
    const record = components.require(name, version);
    return { tags: record.tags, save: (tags) => components.save({ ...record, tags }) };
  }
  if (kind === 'deployments') {
    const record = deployments.require(name);
    return { tags: record.tags, save: (tags) => deployments.save({ ...record, tags }) };
  }
  if (kind === 'coreDevices') {
    const record = cores.find(name);
    if (record === undefined) throw notFound('coreDevice', name);
    return { tags: record.tags, save: (tags) => cores.save({ ...record, tags }) };
  }
  throw invalid(`${arn} is not a resource with tags`, 'resourceArn');
}
