exports.handler = async (event) => ({ from: 'c', event });
