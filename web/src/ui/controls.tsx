// SPDX-License-Identifier: Apache-2.0
//
// Buttons, fields and switches: the browser's own, with our looks and a label each.
import type { ComponentChildren, JSX, Ref } from 'preact';
import { useId, useState } from 'preact/hooks';
import { t } from '../strings/strings';
import { Icon, type IconName } from './icon';

interface ButtonProps {
  children: ComponentChildren;
  onClick?: (() => void) | undefined;
  kind?: 'main' | 'plain' | 'danger' | 'quiet';
  icon?: IconName | undefined;
  disabled?: boolean | undefined;
  submit?: boolean;
  wide?: boolean;
  label?: string; // for who does not see where it stands
}
export function Button({ children, onClick, kind = 'plain', icon, disabled, submit, wide, label }: ButtonProps): JSX.Element {
  return (
    <button type={submit === true ? 'submit' : 'button'} class={`button ${kind}${wide === true ? ' wide' : ''}`} onClick={onClick} disabled={disabled} aria-label={label}>
      {icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface IconButtonProps {
  icon: IconName;
  label: string;
  onClick?: ((e: MouseEvent) => void) | undefined;
  kind?: 'main' | 'quiet';
  submit?: boolean;
  disabled?: boolean;
  pressed?: boolean;
  buttonRef?: Ref<HTMLButtonElement>;
}
export function IconButton({ icon, label, onClick, kind = 'quiet', submit, disabled, pressed, buttonRef }: IconButtonProps): JSX.Element {
  return (
    <button type={submit === true ? 'submit' : 'button'} class={`icon-button ${kind}`} data-icon={icon} aria-label={label} title={label} onClick={onClick}
      disabled={disabled} aria-pressed={pressed} ref={buttonRef ?? null}>
      <Icon name={icon} />
    </button>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: 'text' | 'password' | 'search' | 'date';
  hint?: ComponentChildren;
  error?: string | undefined;
  required?: boolean;
  focus?: boolean;
  max?: number;
  complete?: string;
  lines?: number;
}
export function Field(p: FieldProps): JSX.Element {
  const id = useId(), [shown, show] = useState(false);
  const described = [p.hint === undefined ? '' : `${id}h`, p.error === undefined ? '' : `${id}e`].join(' ').trim();
  const common = {
    id, value: p.value, required: p.required ?? false, autofocus: p.focus ?? false, maxLength: p.max ?? 4000, spellcheck: false, dir: 'auto' as const,
    'aria-invalid': p.error !== undefined, 'aria-describedby': described === '' ? undefined : described, autocomplete: p.complete ?? 'off',
    onInput: (e: Event) => p.onInput((e.target as HTMLInputElement).value),
  };
  return (
    <div class="field">
      <label for={id}>{p.label}</label>
      <div class="field-row">
        {p.lines === undefined ? <input {...common} type={(shown ? 'text' : p.type ?? 'text') as 'text'} /> : <textarea rows={p.lines} {...common} />}
        {p.type === 'password' && (
          <button type="button" class="button quiet" aria-pressed={shown} onClick={() => show(!shown)}>{shown ? t('hide') : t('show')}</button>
        )}
      </div>
      {p.hint !== undefined && <div class="hint" id={`${id}h`}>{p.hint}</div>}
      {p.error !== undefined && <div class="error" id={`${id}e`} role="alert">{p.error}</div>}
    </div>
  );
}

export function Switch({ label, hint, on, onChange }: { label: string; hint?: string; on: boolean; onChange: (on: boolean) => void }): JSX.Element {
  return (
    <label class="switch">
      <span>
        {label}
        {hint !== undefined && <span class="hint">{hint}</span>}
      </span>
      <input type="checkbox" role="switch" checked={on} onChange={e => onChange(e.currentTarget.checked)} />
    </label>
  );
}

interface ChoiceProps<T extends string> { label: string; value: T; options: [T, string][]; onChange: (value: T) => void }
export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>): JSX.Element {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div>
        {options.map(([key, text]) => (
          <label key={key}>
            <input type="radio" name={name} checked={key === value} onChange={() => onChange(key)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** For more than fit beside each other. */
export function Select<T extends string>({ label, value, options, onChange }: ChoiceProps<T>): JSX.Element {
  return (
    <label class="select">
      <span>{label}</span>
      <select value={value} onChange={e => onChange(e.currentTarget.value as T)}>
        {options.map(([key, text]) => <option key={key} value={key} selected={key === value}>{text}</option>)}
      </select>
    </label>
  );
}
