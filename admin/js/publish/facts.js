// What the server can do: formats, profiles, limits, names of templates.

import {api} from '../core/api.js';

export function loadFacts() {
    return api.get('imaging/');
}
