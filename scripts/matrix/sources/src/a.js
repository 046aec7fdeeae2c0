exports.handler = async (event) => ({ from: 'a', event });
