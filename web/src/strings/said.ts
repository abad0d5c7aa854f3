// SPDX-License-Identifier: Apache-2.0
//
// What the engine says to people, which is English, in Russian: what one meets at the lock, the first run, archives, profiles and when one writes. Whatever
// is not here is shown as the engine says it. The keys are the engine's own words, and a test looks for each in its sources.
export const said: Record<string, string> = {
  'the passphrase is wrong': 'неверная парольная фраза',
  'that is not the present passphrase; nothing was changed': 'это не нынешняя парольная фраза; ничего не изменено',
  'a passphrase has 1 to 1,024 bytes': 'в парольной фразе должно быть от 1 до 1024 байт',
  'another engine has this profile open; use that, or stop it first': 'этот профиль уже открыт другой программой; пользуйтесь ей или сначала остановите её',
  'the profile is of a newer version, or of another program; use that': 'этот профиль создан более новой версией или другой программой; откройте его там',
  'the profile is damaged; put a backup in its place': 'профиль повреждён; восстановите его из архива',
  'the profile\'s files cannot be read or written; look at their rights, and whether the disk is full': 'файлы профиля не читаются или не записываются; проверьте права доступа и место на диске',
  'the profile cannot be written: is the disk full? Nothing was changed: make space, then try again': 'профиль не записывается: возможно, кончилось место на диске. Ничего не изменено: освободите место и попробуйте снова',
  'there is a profile already': 'профиль уже есть',

  'that is no archive of Whimbrel\'s, or one of a newer version': 'это не архив Whimbrel, или он создан более новой версией',
  'that is not the passphrase of this archive': 'фраза не подходит к этому архиву',
  'the archive is damaged, or not all of it is here; nothing was made of it': 'архив повреждён или неполон; ничего не восстановлено',
  'the archive cannot be read, or the profile not be written: is the disk full?': 'архив не читается или профиль не записывается: возможно, кончилось место на диске',
  'an archive is being written already; wait for its end': 'архив уже записывается; дождитесь конца',
  'it was stopped; nothing was written': 'запись остановлена; ничего не сохранено',
  'the archive cannot be written: is the disk full? Nothing was written': 'архив не записывается: возможно, кончилось место на диске. Ничего не сохранено',
  'An archive is on its way here already; wait for its end.': 'Архив уже передаётся; дождитесь конца.',
  'The disk has no room for it.': 'Для него не хватает места на диске.',
  'It cannot be stored: is the disk full?': 'Не сохраняется: возможно, кончилось место на диске.',
  'That is more than can be sent, or than the disk has room for.': 'Это больше, чем можно отправить, или больше, чем есть места на диске.',

  'the name of a profile has 1 to 60 bytes, does not begin with . or -, and has no / or other signs that folders cannot have':
    'в названии профиля не больше 60 байт (30 русских букв), оно не начинается с точки или дефиса, и в нём нет / и других знаков, которых не бывает в именах папок',
  'there is a profile of this name already': 'профиль с таким названием уже есть',
  'there is a folder of this name, with something else in it': 'папка с таким названием уже есть, и в ней что-то другое',
  'there is no such profile': 'такого профиля нет',
  'a profile is being opened; wait for it': 'профиль уже открывается; подождите',

  'you are the only admin: make somebody else one first': 'вы единственный администратор: сначала назначьте ещё одного',
  'only admins of a group may do that, as long as they are in it': 'это могут только администраторы группы, пока они в ней состоят',
  'that invitation is over already': 'это приглашение больше не действует',
  'that is no safety number, which has 60 digits, and no code': 'это не код безопасности: в нём 60 цифр',
  'that is too long for a message: at most 48 KiB': 'это слишком длинно для сообщения: не больше 48 КиБ',
};
