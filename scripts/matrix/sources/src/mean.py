def handler(event, context):
    return {'mean': sum(event['readings']) / len(event['readings'])}
