/** Asking the server: data of images, folders and portfolios. */

import { queryOf } from './address.js';

const RETRIES = [600, 2000];
const PAGE = 1000;

/** An answer that is not what was asked for; `status` is 0 if there was none, or none that may be read. */
export class Failure extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }

  /** Whether asking again may help. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export function pause(millis) {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

/** Headers of a request: next to none, so that browsers ask no questions beforehand, unless there is a token. */
function headers(token, accept) {
  const wanted = accept ? { Accept: accept } : {};
  return token ? { ...wanted, Authorization: `Bearer ${token}` } : wanted;
}

/** Do something that may fail for a moment; two retries. */
export async function patiently(deed) {
  for (const wait of RETRIES) {
    try {
      return await deed();
    } catch (failure) {
      if (failure instanceof Failure && !failure.passing) throw failure;
      await pause(wait);
    }
  }
  return deed();
}

async function answer(url, token, accept, signal) {
  let response;
  try {
    response = await fetch(url, { headers: headers(token, accept), credentials: 'same-origin', signal });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Failure(0);
  }
  if (!response.ok) throw new Failure(response.status);
  return response;
}

async function dataOf(url, token) {
  const response = await answer(url, token, 'application/json');
  return (await response.json()).data;
}

/** A file as a Blob; for pictures that need a token, which an `img` can't send. */
export async function blobOf(url, token, signal) {
  return (await answer(url, token, null, signal)).blob();
}

const known = new Map();

/** The server's data of an image; asked for once per page. */
export function details(address, token) {
  const url = `${address.server}api/v1/details/?${queryOf({ src: address.src })}`;
  const key = `${token || ''} ${url}`;
  if (!known.has(key)) {
    const asked = patiently(() => dataOf(url, token));
    known.set(key, asked);
    asked.catch(() => known.delete(key));
  }
  return known.get(key);
}

/** The supported files of a folder, page by page. */
export async function* filesOf(server, folder, token) {
  const path = `${folder.replace(/\/+$/, '')}/`;
  for (let start = 0; ; start += PAGE) {
    const query = queryOf(start ? { path, start, limit: PAGE } : { path });
    const entries = await patiently(() => dataOf(`${server}api/v1/list/?${query}`, token));
    yield entries.filter((entry) => entry.supported).map((entry) => ({ src: path + entry.filename }));
    if (entries.length < PAGE) return;
  }
}

/** The images of a portfolio in their order, with its parameters. */
export async function imagesOf(server, portfolio, token) {
  const query = queryOf({ human_id: portfolio });
  const data = await patiently(() => dataOf(`${server}api/v1/portfolios/?${query}`, token));
  return data.images.map((entry) => ({
    ...Object.fromEntries(new URL(entry.url, document.baseURI).searchParams),
    title: entry.image.title,
    description: entry.image.description,
  }));
}
