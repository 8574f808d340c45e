// Texts of strangers on one line.
import { escapeControls } from '../service/log.ts'

/** What a log holds must not steer a terminal or look like two lines. */
export const oneLine = (text: string): string => escapeControls(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
