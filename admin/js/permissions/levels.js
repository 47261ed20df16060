// The eight levels, and what is in force where, with changes that aren't applied yet.

import {ACCESS} from '../core/access.js';
import {parentOf} from '../core/paths.js';
import {t} from '../core/texts.js';

export const LEVELS = Object.values(ACCESS);
export const PUBLIC = 1;
export const NORMAL_USERS = 2;
const ADMINISTRATORS = 3;

const NAMES = {
    0: 'none', 10: 'view', 20: 'download', 30: 'edit', 40: 'upload', 50: 'delete', 60: 'create_folder', 70: 'delete_folder',
};

export function levelName(level) {
    return t(`level_${NAMES[level] ?? 'none'}`);
}

export function whatItAllows(level) {
    return t(`allows_${NAMES[level] ?? 'none'}`);
}

// Whether a row can't be taken away: the system's groups always have one at the root.
export function isFixed(path, groupId) {
    return path === '/' && groupId <= ADMINISTRATORS;
}

// The folder that a folder inherits from, or null.
export function above(path) {
    return path === '/' ? null : parentOf(path);
}

// What is set where, as it is and as it will be.
export class Settings {
    constructor() {
        this.own = new Map(); // path -> {group: level}
        this.pending = new Map(); // "group path" -> {path, group_id, access}
    }

    learn(folder) {
        this.own.set(folder.path, folder.own);
    }

    // The level that a group has of its own in a folder, or null; with pending changes.
    ownLevel(path, groupId) {
        const change = this.pending.get(`${groupId} ${path}`);
        return change ? change.access : this.stored(path, groupId);
    }

    stored(path, groupId) {
        return this.own.get(path)?.[groupId] ?? null;
    }

    // What is in force: {level, from}; both null where nothing is set, here or above.
    inForce(path, groupId) {
        for (let at = path; at !== null; at = above(at)) {
            const level = this.ownLevel(at, groupId);
            if (level !== null) {
                return {level, from: at};
            }
        }
        return {level: null, from: null};
    }

    // What it would be without a level of its own.
    inherited(path, groupId) {
        const folder = above(path);
        return folder === null ? {level: null, from: null} : this.inForce(folder, groupId);
    }

    set(path, groupId, access) {
        const key = `${groupId} ${path}`;
        if (access === this.stored(path, groupId)) {
            this.pending.delete(key);
        } else {
            this.pending.set(key, {path, group_id: groupId, access});
        }
    }

    isChanged(path, groupId) {
        return this.pending.has(`${groupId} ${path}`);
    }

    // The changes that aren't applied yet.
    changes() {
        return [...this.pending.values()];
    }
}
