-- name: RecoverySetByUser :one
SELECT s.pepper, s.created_at, s.confirmed_at,
    (SELECT COUNT(*) FROM recovery_code c WHERE c.user_id = s.user_id AND c.spent_at IS NULL) AS codes_left
FROM recovery_set s WHERE s.user_id = @user_id;

-- name: PutRecoverySet :exec
INSERT INTO recovery_set (user_id, pepper, created_at) VALUES (@user_id, @pepper, @created_at)
ON CONFLICT (user_id) DO UPDATE SET pepper = excluded.pepper, created_at = excluded.created_at, confirmed_at = NULL;

-- name: InsertRecoveryCode :exec
INSERT INTO recovery_code (user_id, mac) VALUES (@user_id, @mac);

-- name: RecoveryCodeUnspent :one
SELECT COUNT(*) FROM recovery_code WHERE user_id = @user_id AND mac = @mac AND spent_at IS NULL;

-- name: ConfirmRecoverySet :execrows
UPDATE recovery_set SET confirmed_at = @now WHERE user_id = @user_id AND confirmed_at IS NULL;

-- name: SpendRecoveryCode :execrows
UPDATE recovery_code SET spent_at = @now WHERE user_id = @user_id AND mac = @mac AND spent_at IS NULL;

-- name: DeleteRecoveryCodesByUser :exec
DELETE FROM recovery_code WHERE user_id = @user_id;

-- name: DeleteRecoverySetByUser :exec
DELETE FROM recovery_set WHERE user_id = @user_id;

-- name: InsertRecovery :exec
INSERT INTO recovery (id, code_hash, mail, user_id, lang, browser, created_at, expires_at, mail_code, mail_code_until, mail_tries, proof, span, outcome,
    reach, addr, agent)
VALUES (@id, @code_hash, @mail, @user_id, @lang, @browser, @created_at, @expires_at, @mail_code, @mail_code_until, 0, '', 0, '', @reach, @addr, @agent);

-- name: RecoveryByID :one
SELECT id, code_hash, mail, user_id, lang, browser, created_at, expires_at, mail_code, mail_code_until, mail_tries, proven_at, proof, claimed_at,
    span, begun_at, ends_at, ended_at, outcome, case_id, reach, addr, agent
FROM recovery WHERE id = @id;

-- name: RecoveryByCode :one
SELECT id, code_hash, mail, user_id, lang, browser, created_at, expires_at, mail_code, mail_code_until, mail_tries, proven_at, proof, claimed_at,
    span, begun_at, ends_at, ended_at, outcome, case_id, reach, addr, agent
FROM recovery WHERE code_hash = @code_hash;

-- name: ListClaimsByUser :many
SELECT id, code_hash, mail, user_id, lang, browser, created_at, expires_at, mail_code, mail_code_until, mail_tries, proven_at, proof, claimed_at,
    span, begun_at, ends_at, ended_at, outcome, case_id, reach, addr, agent
FROM recovery WHERE user_id = @user_id AND ended_at IS NULL AND claimed_at IS NOT NULL AND expires_at > @now ORDER BY claimed_at, id;

-- name: ReopenRecovery :execrows
UPDATE recovery SET browser = @browser, mail_code = @mail_code, mail_code_until = @mail_code_until, mail_tries = 0, proven_at = NULL,
    addr = @addr, agent = @agent
WHERE id = @id AND expires_at > @now;

-- name: CountRecoveryTry :execrows
UPDATE recovery SET mail_tries = mail_tries + 1 WHERE id = @id AND mail_tries < @max_tries AND mail_code_until > @now;

-- name: ProveRecovery :execrows
UPDATE recovery SET proven_at = @now, mail_code_until = @spent, expires_at = @expires_at WHERE id = @id AND proven_at IS NULL;

-- name: ClaimRecovery :execrows
UPDATE recovery SET claimed_at = @now, proof = @proof, span = @span, expires_at = @expires_at
WHERE id = @id AND claimed_at IS NULL AND ended_at IS NULL;

-- name: BeginRecovery :execrows
UPDATE recovery SET begun_at = @begun_at, ends_at = @ends_at, expires_at = @expires_at
WHERE id = @id AND claimed_at IS NOT NULL AND case_id IS NULL AND begun_at IS NULL AND ended_at IS NULL;

-- name: EndRecovery :execrows
UPDATE recovery SET ended_at = @now, outcome = @outcome, expires_at = @expires_at WHERE id = @id AND ended_at IS NULL;

-- name: EndRecoveriesBesides :exec
UPDATE recovery SET ended_at = @now, outcome = @outcome, expires_at = @expires_at WHERE user_id = @user_id AND mail <> @mail AND ended_at IS NULL;

-- name: RecoveredSince :one
SELECT COUNT(*) FROM recovery WHERE user_id = @user_id AND ended_at > @since AND outcome = 'completed';

-- name: DeleteRecoveriesBefore :execrows
DELETE FROM recovery WHERE recovery.id IN (
    SELECT r.id FROM recovery r WHERE r.expires_at < @before
    AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.recovery_id = r.id)
    ORDER BY r.expires_at LIMIT CAST(@max_rows AS BIGINT)
);

-- name: PutEvidence :execrows
INSERT INTO evidence (recovery_id, slot, kind, size, sealed, version, created_at, delete_at)
VALUES (@recovery_id, @slot, @kind, @size, @sealed, @version, @created_at, @delete_at)
ON CONFLICT (recovery_id, slot) DO UPDATE SET kind = excluded.kind, size = excluded.size, sealed = excluded.sealed, version = excluded.version,
    created_at = excluded.created_at, delete_at = excluded.delete_at
WHERE evidence.version = excluded.version - 1;

-- name: ListEvidence :many
SELECT slot, kind, size, version, created_at, delete_at FROM evidence WHERE recovery_id = @recovery_id ORDER BY slot;

-- name: EvidenceInSlot :one
SELECT sealed FROM evidence WHERE recovery_id = @recovery_id AND slot = @slot;

-- name: ShortenEvidence :exec
UPDATE evidence SET delete_at = @until WHERE recovery_id = @recovery_id AND delete_at > @until;

-- name: DeleteEvidenceBefore :execrows
DELETE FROM evidence WHERE (evidence.recovery_id, evidence.slot) IN (
    SELECT e.recovery_id, e.slot FROM evidence e WHERE e.delete_at < @before ORDER BY e.delete_at LIMIT CAST(@max_rows AS BIGINT)
);

-- name: DeleteEvidenceByUser :exec
DELETE FROM evidence WHERE recovery_id IN (SELECT r.id FROM recovery r WHERE r.user_id = @user_id);

-- name: DeleteRecoveriesByUser :exec
DELETE FROM recovery WHERE user_id = @user_id;

-- name: RecoveryPlanByUser :one
SELECT mail_alone, rehearsed_at, rehearsed, failed_at, failed, mailbox_at, trial, trial_at, trial_tries FROM recovery_plan WHERE user_id = @user_id;

-- name: SetMailAlone :exec
INSERT INTO recovery_plan (user_id, mail_alone, rehearsed) VALUES (@user_id, @mail_alone, '')
ON CONFLICT (user_id) DO UPDATE SET mail_alone = excluded.mail_alone;

-- name: SetRehearsed :exec
INSERT INTO recovery_plan (user_id, mail_alone, rehearsed_at, rehearsed) VALUES (@user_id, 0, @now, @rehearsed)
ON CONFLICT (user_id) DO UPDATE SET rehearsed_at = excluded.rehearsed_at, rehearsed = excluded.rehearsed;

-- name: SetRehearsalFailed :exec
INSERT INTO recovery_plan (user_id, mail_alone, rehearsed, failed_at, failed) VALUES (@user_id, 0, '', @now, @failed)
ON CONFLICT (user_id) DO UPDATE SET failed_at = excluded.failed_at, failed = excluded.failed;

-- name: AskMailboxTrial :exec
INSERT INTO recovery_plan (user_id, mail_alone, rehearsed, trial, trial_at) VALUES (@user_id, 0, '', @trial, @now)
ON CONFLICT (user_id) DO UPDATE SET trial = excluded.trial, trial_at = excluded.trial_at, trial_tries = 0;

-- name: CountMailboxTry :execrows
UPDATE recovery_plan SET trial_tries = trial_tries + 1
WHERE user_id = @user_id AND trial = @trial AND trial_tries < @max_tries AND trial_at > @born;

-- name: SpendMailboxTrial :execrows
UPDATE recovery_plan SET mailbox_at = @now, trial = NULL, trial_at = NULL WHERE user_id = @user_id AND trial = @trial;

-- name: DeleteRecoveryPlanByUser :exec
DELETE FROM recovery_plan WHERE user_id = @user_id;

-- name: NotePasskeyDevice :exec
UPDATE passkey SET device_id = @device_id WHERE id = @id;

-- name: ListPasskeysMadeOn :many
SELECT id, name FROM passkey WHERE user_id = @user_id AND device_id = @device_id AND removed_at IS NULL ORDER BY created_at, id;

-- name: DelayPasskeys :exec
UPDATE passkey SET approves_from = @approves_from WHERE user_id = @user_id AND removed_at IS NULL AND approves_from < @approves_from;

-- name: ForgetOtherDevices :exec
UPDATE device_user SET forgotten_at = @now WHERE user_id = @user_id AND device_id <> @keep AND forgotten_at IS NULL;

-- name: DeletePlacesElsewhere :exec
DELETE FROM device_place WHERE user_id = @user_id AND device_id <> @keep;

-- name: CancelConfirmationsByUser :execrows
UPDATE confirmation SET cancelled_at = @now WHERE user_id = @user_id AND executed_at IS NULL AND cancelled_at IS NULL;

-- name: HastenRecovery :execrows
UPDATE recovery SET claimed_at = COALESCE(claimed_at, @now), proof = @proof, span = 0, begun_at = @now, ends_at = @now, expires_at = @expires_at,
    case_id = NULL
WHERE id = @id AND ended_at IS NULL;

-- name: DisputeRecovery :execrows
UPDATE recovery SET case_id = @case_id, expires_at = @expires_at WHERE id = @id AND claimed_at IS NOT NULL AND ended_at IS NULL;

-- name: ApproveRecovery :execrows
UPDATE recovery SET case_id = NULL, claimed_at = @now, proof = @proof, span = @span, begun_at = NULL, ends_at = NULL, expires_at = @expires_at
WHERE id = @id AND case_id = @case_id AND ended_at IS NULL;

-- name: ListClaimsInCase :many
SELECT id, code_hash, mail, user_id, lang, browser, created_at, expires_at, mail_code, mail_code_until, mail_tries, proven_at, proof, claimed_at,
    span, begun_at, ends_at, ended_at, outcome, case_id, reach, addr, agent
FROM recovery WHERE case_id = @case_id ORDER BY claimed_at, id;

-- name: InsertRecoveryCase :exec
INSERT INTO recovery_case (id, user_id, created_at, due_at, expires_at, outcome) VALUES (@id, @user_id, @created_at, @due_at, @expires_at, '');

-- name: RecoveryCaseByID :one
SELECT id, user_id, created_at, due_at, expires_at, ended_at, outcome FROM recovery_case WHERE id = @id;

-- name: OpenRecoveryCase :one
SELECT id, user_id, created_at, due_at, expires_at, ended_at, outcome
FROM recovery_case WHERE user_id = @user_id AND ended_at IS NULL AND expires_at > @now;

-- name: ListRecoveryCases :many
SELECT id, user_id, created_at, due_at, expires_at, ended_at, outcome FROM recovery_case WHERE expires_at > @now ORDER BY created_at, id LIMIT 1000;

-- name: EndRecoveryCase :execrows
UPDATE recovery_case SET ended_at = @now, outcome = @outcome, expires_at = @expires_at WHERE id = @id AND ended_at IS NULL;

-- name: EndEmptyRecoveryCase :execrows
UPDATE recovery_case SET ended_at = @now, outcome = @outcome, expires_at = @expires_at
WHERE recovery_case.id = @id AND ended_at IS NULL
AND NOT EXISTS (SELECT 1 FROM recovery r WHERE r.case_id = recovery_case.id AND r.ended_at IS NULL);

-- name: PutRecoveryApproval :exec
INSERT INTO recovery_approval (case_id, operator, recovery_id, created_at) VALUES (@case_id, @operator, @recovery_id, @created_at)
ON CONFLICT (case_id, operator) DO UPDATE SET recovery_id = excluded.recovery_id, created_at = excluded.created_at;

-- name: DeleteRecoveryApprovals :exec
DELETE FROM recovery_approval WHERE case_id = @case_id AND recovery_id = @recovery_id;

-- name: ListRecoveryApprovals :many
SELECT operator, recovery_id, created_at FROM recovery_approval WHERE case_id = @case_id ORDER BY created_at, operator;

-- name: DeleteRecoveryApprovalsBefore :exec
DELETE FROM recovery_approval WHERE recovery_approval.case_id IN (
    SELECT c.id FROM recovery_case c WHERE c.expires_at < @before
    AND NOT EXISTS (SELECT 1 FROM recovery r WHERE r.case_id = c.id)
    ORDER BY c.expires_at LIMIT CAST(@max_rows AS BIGINT)
);

-- name: DeleteRecoveryCasesBefore :execrows
DELETE FROM recovery_case WHERE recovery_case.id IN (
    SELECT c.id FROM recovery_case c WHERE c.expires_at < @before
    AND NOT EXISTS (SELECT 1 FROM recovery r WHERE r.case_id = c.id)
    ORDER BY c.expires_at LIMIT CAST(@max_rows AS BIGINT)
);

-- name: DeleteRecoveryApprovalsByUser :exec
DELETE FROM recovery_approval WHERE case_id IN (SELECT c.id FROM recovery_case c WHERE c.user_id = @user_id);

-- name: DeleteRecoveryCasesByUser :exec
DELETE FROM recovery_case WHERE user_id = @user_id;

-- name: InsertReport :exec
INSERT INTO report (id, user_id, kind, about, created_at, expires_at, sealed)
VALUES (@id, @user_id, @kind, @about, @created_at, @expires_at, @sealed) ON CONFLICT DO NOTHING;

-- name: ReportAbout :one
SELECT id FROM report WHERE user_id = @user_id AND about = @about;

-- name: ReportByID :one
SELECT id, user_id, kind, about, created_at, expires_at, sealed, closed_at, outcome FROM report WHERE id = @id;

-- name: CloseReport :execrows
UPDATE report SET closed_at = @closed_at, outcome = @outcome, sealed = @sealed WHERE id = @id AND closed_at IS NULL;

-- name: ReopenReport :exec
UPDATE report SET closed_at = NULL, outcome = '', expires_at = @expires_at, sealed = @sealed WHERE id = @id;

-- name: ListReports :many
SELECT id, user_id, kind, about, created_at, expires_at, closed_at, outcome FROM report WHERE expires_at > @now AND id > @after ORDER BY id LIMIT 1000;

-- name: CountReports :many
SELECT kind, CAST(CASE WHEN closed_at IS NULL THEN 1 ELSE 0 END AS BIGINT) AS is_open, COUNT(*) AS reports FROM report WHERE expires_at > @now
GROUP BY kind, CASE WHEN closed_at IS NULL THEN 1 ELSE 0 END;

-- name: DeleteReportsBefore :execrows
DELETE FROM report WHERE report.id IN (
    SELECT r.id FROM report r WHERE r.expires_at < @before ORDER BY r.expires_at LIMIT CAST(@max_rows AS BIGINT)
);

-- name: DeleteReportsByUser :exec
DELETE FROM report WHERE user_id = @user_id;
