import { z } from 'zod';
import type { RestCall, RestRoute } from '../../base/rest/service';
import { route, type GreengrassContext } from './context';
import { invalidField, missingResource, readInput, tagsSchema } from './input';

type Tags = Record<string, string>;

interface Tagged {
  tags: Tags;
  save: (tags: Tags) => void;
}

/** Tags of component versions, deployments and core devices. */
export function tagRoutes(context: GreengrassContext): RestRoute[] {
  const arnOf = (call: RestCall): string => call.param('resourceArn');
  const path = '/tags/{resourceArn}' as const;
  return [
    route('ListTagsForResource', `GET ${path}`, arnOf, (call) => ({
      tags: tagged(context, arnOf(call)).tags,
    })),
    route('TagResource', `POST ${path}`, arnOf, (call) => {
      const { tags } = readInput(call, z.strictObject({ tags: tagsSchema }));
      const resource = tagged(context, arnOf(call));
      resource.save({ ...resource.tags, ...tags });
    }),
    route('UntagResource', `DELETE ${path}`, arnOf, (call) => {
      const removed = call.query.getAll('tagKeys');
      const resource = tagged(context, arnOf(call));
      const left = Object.entries(resource.tags).filter(([key]) => !removed.includes(key));
      resource.save(Object.fromEntries(left));
    }),
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
    if (record === undefined) throw missingResource('coreDevice', name);
    return { tags: record.tags, save: (tags) => cores.save({ ...record, tags }) };
  }
  throw invalidField(`${arn} is not a resource with tags`, 'resourceArn');
}
