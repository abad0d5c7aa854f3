// SPDX-License-Identifier: Apache-2.0
//
// Views that are no part of what is loaded first: all but the list of conversations and a conversation. Each file that is named here, with
// what it alone needs, becomes a file of its own (tools/web).
import { lazy } from '../ui/lazy';

export const Acts = lazy(() => import('./acts').then(m => m.Acts));
export const Results = lazy(() => import('./results').then(m => m.Results));
export const Info = lazy(() => import('./info').then(m => m.Info));
export const SendFiles = lazy(() => import('./attach').then(m => m.SendFiles));
export const Recorder = lazy(() => import('./attach').then(m => m.Recorder));
export const Settings = lazy(() => import('./settings').then(m => m.Settings));
export const Routes = lazy(() => import('./routes').then(m => m.Routes));
export const ProxyDialog = lazy(() => import('./routes').then(m => m.ProxyDialog));
export const Relays = lazy(() => import('./relays').then(m => m.Relays));
export const Requests = lazy(() => import('./requests').then(m => m.Requests));
export const NewGroup = lazy(() => import('./group').then(m => m.NewGroup));
export const ShareInvitation = lazy(() => import('./invite').then(m => m.ShareInvitation));
export const Given = lazy(() => import('./invite').then(m => m.Given));
export const Accept = lazy(() => import('./invite').then(m => m.Accept));
export const Profiles = lazy(() => import('./profiles').then(m => m.Profiles));
export const Elsewhere = lazy(() => import('./profiles').then(m => m.Elsewhere));
export const FirstRun = lazy(() => import('./first').then(m => m.FirstRun));
