import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { readingsObject, s3 } from './bucket';
import { readingsOf } from './readings';

export async function handler({ body, pathParameters }: APIGatewayProxyEventV2) {
  const readings = readingsOf(JSON.parse(body ?? 'null'));
  const object = readingsObject(pathParameters?.['store']);
  await s3.send(new PutObjectCommand({ ...object, Body: JSON.stringify({ readings }) }));
  return { statusCode: 204 };
}
