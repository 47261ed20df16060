// News of tasks: by server-sent events for those that run, as far as a browser has connections for them; all others are
// asked for every three seconds, while somebody looks.

import {page} from '../core/dom.js';

const AT_ONCE = 3; // of six connections that a browser has to one server
const EVERY = 3000;

export class TaskStreams {
    // `told(task)`: called for each event.
    constructor(told) {
        this.told = told;
        this.streams = new Map();
    }

    // Listens to these, and to no others.
    follow(ids) {
        const wanted = new Set(ids.slice(0, AT_ONCE));
        for (const [id, stream] of this.streams) {
            if (!wanted.has(id)) {
                stream.close();
                this.streams.delete(id);
            }
        }
        for (const id of wanted) {
            if (!this.streams.has(id)) {
                this.streams.set(id, this.open(id));
            }
        }
    }

    open(id) {
        const stream = new EventSource(`${page.root}api/v1/admin/tasks/${id}/events/`);
        stream.addEventListener('task', event => {
            const task = JSON.parse(event.data);
            if (task.finished) {
                stream.close();
            }
            this.told(task);
        });
        return stream;
    }

    close() {
        this.follow([]);
    }
}

// Runs `look` every three seconds, not while the page is hidden; once more when it comes back. Returns what ends it.
export function poll(look) {
    let timer = null;
    let over = false;
    async function again() {
        clearTimeout(timer);
        if (!document.hidden) {
            await look();
        }
        if (!over && !document.hidden) {
            timer = setTimeout(again, EVERY);
        }
    }
    document.addEventListener('visibilitychange', again);
    window.addEventListener('pagehide', end);
    timer = setTimeout(again, EVERY);
    function end() {
        over = true;
        clearTimeout(timer);
        document.removeEventListener('visibilitychange', again);
    }
    return end;
}
