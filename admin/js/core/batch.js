// Several calls of the API in one request.

import {api} from './api.js';

const AT_ONCE = 100; // as many as the API takes

// `operations` are {method, path, body}, paths with the query of a GET. Gives the envelope of each: {status, message,
// data}; none of them fails the others. What one finds out this way is no failed request, whatever the answer.
export async function batch(operations, options) {
    const answers = [];
    for (let start = 0; start < operations.length; start += AT_ONCE) {
        const part = JSON.stringify({operations: operations.slice(start, start + AT_ONCE)});
        answers.push(...(await api.post('batch/', new Blob([part], {type: 'application/json'}), options)));
    }
    return answers;
}

// A GET for a batch.
export function get(path, query = {}) {
    return {method: 'GET', path: `/${path}?${new URLSearchParams(query)}`};
}
