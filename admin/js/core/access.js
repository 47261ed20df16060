// What one may be allowed to do in a folder: each level has all those below it in it.

export const ACCESS = Object.freeze({
    none: 0, view: 10, download: 20, edit: 30, upload: 40, remove: 50, createFolder: 60, removeFolder: 70,
});
