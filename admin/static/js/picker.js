// Lets people choose images or folders of an image server, for pages of any site:
//
//     const items = await qis_pick({server: 'https://images.example.com/', mode: 'files', path: '/press'});
//
// `mode`: 'file', 'files' or 'folder'; `filter`: extensions with commas between; `token`: of the API, for people without
// a session at the server. Gives a list of {src, width, height, url}, or null when the window was closed. The server's
// setting PICKER_ORIGINS must name the site. To be called where something was clicked, or browsers open no window.
(function () {
    'use strict';

    const KIND = 'qis-pick';
    const LOOK_EVERY = 400;
    const SHAPE = 'popup,width=960,height=720';

    function ownServer() {
        const script = document.currentScript;
        return script ? new URL('../../', script.src).href : new URL('/', location.href).href;
    }

    const own = ownServer();

    function addressOf({server, mode, path, filter, token}) {
        const base = new URL(server.endsWith('/') ? server : `${server}/`, location.href);
        const query = new URLSearchParams({embed: '1', mode, path, filter, origin: location.origin});
        const page = new URL(`folder_list/pick/?${query}`, base);
        if (!token) {
            return page;
        }
        const login = new URL('api/tokenlogin/', base);
        login.search = new URLSearchParams({token, next: page.pathname + page.search});
        return login;
    }

    function qis_pick({server = own, mode = 'file', path = '/', filter = '', token = ''} = {}) {
        const address = addressOf({server, mode, path, filter, token});
        const opened = window.open(address.href, '_blank', SHAPE);
        if (!opened) {
            return Promise.reject(new Error('The browser does not open a window here.'));
        }
        return new Promise(resolve => {
            function end(items) {
                clearInterval(timer);
                window.removeEventListener('message', heard);
                resolve(items);
            }
            function heard(event) {
                if (event.source === opened && event.origin === address.origin && event.data?.type === KIND) {
                    end(event.data.items);
                    opened.close();
                }
            }
            const timer = setInterval(() => opened.closed && end(null), LOOK_EVERY);
            window.addEventListener('message', heard);
        });
    }

    window.qis_pick = qis_pick;
})();
