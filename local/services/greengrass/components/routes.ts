import { z } from 'zod';
import { EdgeError } from '../../../../protocol';
import { parseRecipe, type Recipe } from '../../../../protocol/greengrass/recipe';
import type { RestCall, RestPermission, RestRoute } from '../../../base/rest/service';
import type { GreengrassContext } from '../context';
import { conflict, invalid } from '../errors';
import { clientTokenSchema, pageOf, readInput, seconds, tagsSchema, wordOf } from '../input';
import { prepareComponent } from './artifacts';
import type { ComponentRecord } from './store';

const createSchema = z.strictObject({
  /** Base64 on the wire. */
  inlineRecipe: z.base64(),
  tags: tagsSchema.default({}),
  clientToken: clientTokenSchema.optional(),
});

/** Component versions of the account. */
export function componentRoutes(context: GreengrassContext): RestRoute[] {
  const { components, arns, now } = context;
  const arnOf = (call: RestCall): string => call.params.arn ?? '';
  const onArn =
    (action: string) =>
    (call: RestCall): RestPermission[] => {
      return [{ action: `greengrass:${action}`, resource: arnOf(call) }];
    };
  const requireVersion = (call: RestCall): ComponentRecord => {
    const { name, version } = arns.parseComponentVersion(arnOf(call));
    return components.require(name, version);
  };

  return [
    {
      operation: 'CreateComponentVersion',
      method: 'POST',
      path: '/greengrass/v2/createComponentVersion',
      status: 201,
      permissions: (call) => [
        {
          action: 'greengrass:CreateComponentVersion',
          resource: arns.component(readRecipe(call).ComponentName),
        },
      ],
      handle(call) {
        const recipe = readRecipe(call);
        const { tags, clientToken } = readInput(call, createSchema);
        return context.tokens.once('CreateComponentVersion', clientToken, () => {
          const record = create(context, recipe, tags, call.principal.role?.arn);
          return {
            arn: versionArn(context, record),
            componentName: recipe.ComponentName,
            componentVersion: recipe.ComponentVersion,
            creationTimestamp: seconds(now()),
            status: statusOf(record),
          };
        });
      },
    },
    {
      operation: 'DescribeComponent',
      method: 'GET',
      path: '/greengrass/v2/components/{arn}/metadata',
      permissions: onArn('DescribeComponent'),
      handle(call) {
        const record = requireVersion(call);
        return { ...describe(context, record), status: statusOf(record), tags: record.tags };
      },
    },
    {
      operation: 'GetComponent',
      method: 'GET',
      path: '/greengrass/v2/components/{arn}',
      permissions: onArn('GetComponent'),
      handle(call) {
        const recipeOutputFormat = wordOf(call, 'recipeOutputFormat', ['JSON', 'YAML']);
        if (recipeOutputFormat === 'YAML')
          throw invalid('the local cloud gives recipes as JSON', 'recipeOutputFormat');
        const { recipe, tags } = requireVersion(call);
        return { recipeOutputFormat, recipe: encode(recipe), tags };
      },
    },
    {
      operation: 'DeleteComponent',
      method: 'DELETE',
      path: '/greengrass/v2/components/{arn}',
      status: 204,
      permissions: onArn('DeleteComponent'),
      handle(call) {
        const { recipe, state } = requireVersion(call);
        const { ComponentName: name, ComponentVersion: version } = recipe;
        if (state === 'REQUESTED' || state === 'INITIATED') {
          throw conflict(`${name}:${version} is being created`, 'componentVersion', arnOf(call));
        }
        components.remove(name, version);
      },
    },
    {
      operation: 'ListComponents',
      method: 'GET',
      path: '/greengrass/v2/components',
      permissions: () => [{ action: 'greengrass:ListComponents', resource: '*' }],
      handle(call) {
        const scope = wordOf(call, 'scope', ['PRIVATE', 'PUBLIC']);
        const page = pageOf(scope === 'PRIVATE' ? components.latest() : [], call);
        const listed = page.items.map((record) => {
          const { componentName, ...latestVersion } = describe(context, record);
          return { arn: arns.component(record.recipe.ComponentName), componentName, latestVersion };
        });
        return { components: listed, nextToken: page.next };
      },
    },
    {
      operation: 'ListComponentVersions',
      method: 'GET',
      path: '/greengrass/v2/components/{arn}/versions',
      permissions: onArn('ListComponentVersions'),
      handle(call) {
        const page = pageOf(components.versions(arns.parseComponent(arnOf(call))), call);
        const componentVersions = page.items.map((record) => ({
          componentName: record.recipe.ComponentName,
          componentVersion: record.recipe.ComponentVersion,
          arn: versionArn(context, record),
        }));
        return { componentVersions, nextToken: page.next };
      },
    },
  ];
}

function create(
  context: GreengrassContext,
  recipe: Recipe,
  tags: Record<string, string>,
  callerRole: string | undefined,
): ComponentRecord {
  const { ComponentName: name, ComponentVersion: version } = recipe;
  const existing = context.components.find(name, version);
  if (existing !== undefined && existing.state !== 'FAILED') {
    throw conflict(
      `Component [${name} : ${version}] for account [${context.cloud.account}] already exists with state: [${existing.state}]`,
      'componentVersion',
      context.arns.componentVersion(name, version),
    );
  }
  const record: ComponentRecord = {
    recipe,
    createdAt: context.now(),
    state: 'REQUESTED',
    message: 'NONE',
    errors: {},
    tags,
    ...(callerRole !== undefined && { callerRole }),
  };
  context.components.save(record);
  context.later(() => prepareComponent(context, record));
  return record;
}

function readRecipe(call: RestCall): Recipe {
  const { inlineRecipe } = readInput(call, createSchema);
  const bytes = Buffer.from(inlineRecipe, 'base64');
  try {
    return parseRecipe(bytes);
  } catch (error) {
    if (error instanceof EdgeError) throw invalid(error.message, 'inlineRecipe');
    throw error;
  }
}

export function encode(recipe: Recipe): string {
  return Buffer.from(JSON.stringify(recipe)).toString('base64');
}

function versionArn({ arns }: GreengrassContext, { recipe }: ComponentRecord): string {
  return arns.componentVersion(recipe.ComponentName, recipe.ComponentVersion);
}

function statusOf({ state, message, errors }: ComponentRecord): Record<string, unknown> {
  return { componentState: state, message, errors };
}

function describe(context: GreengrassContext, record: ComponentRecord) {
  const { recipe, createdAt } = record;
  return {
    arn: versionArn(context, record),
    componentName: recipe.ComponentName,
    componentVersion: recipe.ComponentVersion,
    creationTimestamp: seconds(createdAt),
    publisher: recipe.ComponentPublisher,
    description: recipe.ComponentDescription,
    platforms: recipe.Manifests.map(({ Name, Platform = {} }) => ({ name: Name, attributes: Platform })),
  };
}
