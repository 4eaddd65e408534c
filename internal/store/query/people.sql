-- name: InsertUser :execrows
INSERT INTO users (id, mail, name, lang, handle, created_at) VALUES (@id, @mail, @name, @lang, @handle, @created_at) ON CONFLICT DO NOTHING;

-- name: UserByMail :one
SELECT id, mail, name, lang, handle, created_at, disabled_at, strange_at, never_remembered, staff_at FROM users WHERE mail = @mail;

-- name: UserByID :one
SELECT id, mail, name, lang, handle, created_at, disabled_at, strange_at, never_remembered, staff_at FROM users WHERE id = @id;

-- name: UserByHandle :one
SELECT id, mail, name, lang, handle, created_at, disabled_at, strange_at, never_remembered, staff_at FROM users WHERE handle = @handle;

-- name: SetUserLang :execrows
UPDATE users SET lang = @lang WHERE id = @id;

-- name: ClaimUserRow :execrows
UPDATE users SET lang = lang WHERE id = @id AND disabled_at IS NULL;

-- name: MarkStrangeSignIn :exec
UPDATE users SET strange_at = @now WHERE id = @id;

-- name: EraseUser :execrows
UPDATE users SET mail = @mail, name = '', strange_at = NULL WHERE id = @id AND disabled_at IS NOT NULL;

-- name: EraseAccountsOfUser :exec
UPDATE account SET name = '' WHERE id IN (SELECT m.account_id FROM member m WHERE m.user_id = @user_id)
    AND NOT EXISTS (SELECT 1 FROM member o WHERE o.account_id = account.id AND o.user_id <> @user_id AND o.removed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM service_user w WHERE w.user_id = o.user_id));

-- name: UnnameAccountsCalled :exec
UPDATE account SET name = @instead WHERE name = @name AND id IN (
    SELECT m.account_id FROM member m WHERE m.user_id = @user_id AND (m.role = 'owner' OR m.created_at = account.created_at)
);

-- name: DisableUser :execrows
UPDATE users SET disabled_at = @disabled_at WHERE id = @id AND disabled_at IS NULL;

-- name: EnableUser :execrows
UPDATE users SET disabled_at = NULL WHERE id = @id AND disabled_at IS NOT NULL;

-- name: InsertAccount :exec
INSERT INTO account (id, name, created_at) VALUES (@id, @name, @created_at);

-- name: InsertSubaccount :exec
INSERT INTO subaccount (id, account_id, name, main, created_at) VALUES (@id, @account_id, @name, @main, @created_at);

-- name: ListSubaccountsByAccount :many
SELECT id, account_id, name, main, created_at, closed_at FROM subaccount WHERE account_id = @account_id ORDER BY main DESC, created_at, id;

-- name: RenameSubaccount :execrows
UPDATE subaccount SET name = @name WHERE id = @id AND account_id = @account_id AND closed_at IS NULL;

-- name: CloseSubaccount :execrows
UPDATE subaccount SET closed_at = @closed_at WHERE id = @id AND account_id = @account_id AND main = 0 AND closed_at IS NULL;

-- name: ReopenSubaccount :execrows
UPDATE subaccount SET closed_at = NULL WHERE id = @id AND account_id = @account_id AND closed_at IS NOT NULL;

-- name: CountKeysOfSubaccount :one
SELECT COUNT(*) FROM api_key k WHERE k.account_id = @account_id AND k.subaccount_id = @subaccount_id AND k.revoked_at IS NULL;

-- name: EraseSubaccountsOfUser :exec
UPDATE subaccount SET name = '' WHERE main = 0 AND account_id IN (SELECT m.account_id FROM member m WHERE m.user_id = @user_id)
    AND NOT EXISTS (SELECT 1 FROM member o WHERE o.account_id = subaccount.account_id AND o.user_id <> @user_id AND o.removed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM service_user w WHERE w.user_id = o.user_id));

-- name: InsertMember :exec
INSERT INTO member (account_id, user_id, role, created_at) VALUES (@account_id, @user_id, @role, @created_at);

-- name: SetMemberRole :execrows
UPDATE member SET role = @role WHERE account_id = @account_id AND user_id = @user_id AND removed_at IS NULL;

-- name: SetMemberGiven :exec
UPDATE member SET given_by = @given_by, given_at = @given_at WHERE account_id = @account_id AND user_id = @user_id;

-- name: FreezeMembersGivenBy :many
UPDATE member SET frozen_at = @frozen_at
WHERE member.given_by = @given_by AND member.given_at > @since AND member.role <> 'owner' AND member.removed_at IS NULL AND member.frozen_at IS NULL
    AND account_id IN (SELECT o.account_id FROM member o WHERE o.user_id = @given_by AND o.role = 'owner' AND o.removed_at IS NULL)
RETURNING account_id, user_id;

-- name: UnfreezeMember :execrows
UPDATE member SET frozen_at = NULL WHERE account_id = @account_id AND user_id = @user_id AND removed_at IS NULL AND frozen_at IS NOT NULL;

-- name: MembershipsByUser :many
SELECT m.account_id, a.name AS account_name, m.role, s.id AS main_subaccount_id, m.created_at
FROM member m
JOIN account a ON a.id = m.account_id
JOIN subaccount s ON s.account_id = m.account_id AND s.main = 1
WHERE m.user_id = @user_id AND m.removed_at IS NULL
ORDER BY m.created_at;

-- name: ListMembersByAccount :many
SELECT m.user_id, m.role, m.created_at, m.removed_at, m.keys_until, m.frozen_at, u.name, u.mail, u.lang, u.disabled_at, w.purpose, w.sponsor_one, w.sponsor_two,
    (SELECT COUNT(*) FROM api_key k WHERE k.owner_id = m.user_id AND k.account_id = m.account_id AND k.revoked_at IS NULL AND k.expires_at > @now) AS keys
FROM member m
JOIN users u ON u.id = m.user_id
LEFT JOIN service_user w ON w.user_id = m.user_id
WHERE m.account_id = @account_id ORDER BY m.created_at, m.user_id;

-- name: ListOwnersByAccount :many
SELECT m.user_id FROM member m JOIN users u ON u.id = m.user_id
WHERE m.account_id = @account_id AND m.role = 'owner' AND m.removed_at IS NULL AND u.disabled_at IS NULL ORDER BY m.created_at, m.user_id;

-- name: HolderInAccount :one
SELECT u.name, m.role, w.sponsor_one, w.sponsor_two
FROM member m
JOIN users u ON u.id = m.user_id
LEFT JOIN service_user w ON w.user_id = m.user_id
WHERE m.account_id = @account_id AND m.user_id = @user_id AND m.removed_at IS NULL AND u.disabled_at IS NULL;

-- name: AccountName :one
SELECT name FROM account WHERE id = @id;

-- name: ListCircleOfOwner :many
SELECT DISTINCT n.user_id FROM member m JOIN member n ON n.account_id = m.account_id
WHERE m.user_id = @user_id AND m.role = 'owner' AND m.removed_at IS NULL;

-- name: ListAccountsOwnedBy :many
SELECT account_id FROM member WHERE user_id = @user_id AND role = 'owner' AND removed_at IS NULL ORDER BY account_id;

-- name: ClaimAccountRow :exec
UPDATE account SET name = name WHERE id = @id;

-- name: JoinMember :execrows
INSERT INTO member (account_id, user_id, role, created_at) VALUES (@account_id, @user_id, @role, @created_at)
ON CONFLICT (account_id, user_id) DO UPDATE SET role = excluded.role, created_at = excluded.created_at, removed_at = NULL, keys_until = NULL, frozen_at = NULL
WHERE member.removed_at IS NOT NULL;

-- name: RemoveMember :execrows
UPDATE member SET removed_at = @removed_at, keys_until = @keys_until WHERE account_id = @account_id AND user_id = @user_id AND removed_at IS NULL;

-- name: SetKeysUntil :exec
UPDATE member SET keys_until = @keys_until WHERE account_id = @account_id AND user_id = @user_id AND removed_at IS NULL;

-- name: RemoveMembershipsOfUser :exec
UPDATE member SET removed_at = @removed_at, keys_until = NULL WHERE user_id = @user_id AND removed_at IS NULL;

-- name: InsertInvitation :execrows
INSERT INTO invitation (id, account_id, mail, role, invited_by, created_at, expires_at)
VALUES (@id, @account_id, @mail, @role, @invited_by, @created_at, @expires_at) ON CONFLICT DO NOTHING;

-- name: InvitationByID :one
SELECT i.id, i.account_id, i.mail, i.role, i.invited_by, i.created_at, i.expires_at, a.name AS account_name, u.name AS inviter, u.lang
FROM invitation i JOIN account a ON a.id = i.account_id JOIN users u ON u.id = i.invited_by WHERE i.id = @id;

-- name: ListInvitationsByAccount :many
SELECT i.id, i.account_id, i.mail, i.role, i.invited_by, i.created_at, i.expires_at, a.name AS account_name, u.name AS inviter, u.lang
FROM invitation i JOIN account a ON a.id = i.account_id JOIN users u ON u.id = i.invited_by
WHERE i.account_id = @account_id AND i.expires_at > @now ORDER BY i.created_at, i.id;

-- name: ListInvitationsByMail :many
SELECT i.id, i.account_id, i.mail, i.role, i.invited_by, i.created_at, i.expires_at, a.name AS account_name, u.name AS inviter, u.lang
FROM invitation i JOIN account a ON a.id = i.account_id JOIN users u ON u.id = i.invited_by
WHERE i.mail = @mail AND i.expires_at > @now ORDER BY i.created_at, i.id;

-- name: DeleteInvitation :execrows
DELETE FROM invitation WHERE id = @id;

-- name: DeleteInvitationsByInviter :many
DELETE FROM invitation WHERE invited_by = @user_id RETURNING account_id;

-- name: DeleteExpiredInvitation :exec
DELETE FROM invitation WHERE account_id = @account_id AND mail = @mail AND expires_at <= @now;

-- name: DeleteInvitationsOfUser :exec
DELETE FROM invitation WHERE invited_by = @user_id OR mail = @mail;

-- name: DeleteInvitationsBefore :execrows
DELETE FROM invitation WHERE id IN (SELECT i.id FROM invitation i WHERE i.expires_at < @before ORDER BY i.expires_at LIMIT CAST(@max_rows AS BIGINT));

-- name: InsertServiceUser :exec
INSERT INTO service_user (user_id, account_id, purpose, sponsor_one, sponsor_two) VALUES (@user_id, @account_id, @purpose, @sponsor_one, @sponsor_two);

-- name: SetSponsors :execrows
UPDATE service_user SET sponsor_one = @sponsor_one, sponsor_two = @sponsor_two WHERE user_id = @user_id AND account_id = @account_id;

-- name: ListSponsoredBy :many
SELECT w.user_id, w.account_id FROM member m
JOIN service_user w ON w.account_id = m.account_id
JOIN member n ON n.account_id = w.account_id AND n.user_id = w.user_id
WHERE m.user_id = @user_id AND (w.sponsor_one = @user_id OR w.sponsor_two = @user_id) AND n.removed_at IS NULL AND n.keys_until IS NULL;

-- name: ListServiceUsersOfUser :many
SELECT w.user_id FROM service_user w JOIN member m ON m.account_id = w.account_id
WHERE m.user_id = @user_id
    AND NOT EXISTS (SELECT 1 FROM member o WHERE o.account_id = w.account_id AND o.user_id <> @user_id AND o.removed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM service_user x WHERE x.user_id = o.user_id));

-- name: EraseServiceUser :exec
UPDATE service_user SET purpose = '' WHERE user_id = @user_id;

-- name: BlankUser :exec
UPDATE users SET name = '' WHERE id = @id;

-- name: InsertSignUp :exec
INSERT INTO sign_up (id, mail, name, lang, browser, tries, existing, created_at, expires_at)
VALUES (@id, @mail, @name, @lang, @browser, 0, @existing, @created_at, @expires_at);

-- name: SignUpByID :one
SELECT id, mail, name, lang, browser, tries, existing, created_at, expires_at, verified_at, spent_at FROM sign_up WHERE id = @id;

-- name: CountSignUpTry :execrows
UPDATE sign_up SET tries = tries + 1
WHERE id = @id AND tries < @max_tries AND expires_at > @now AND verified_at IS NULL;

-- name: VerifySignUp :execrows
UPDATE sign_up SET verified_at = @now, expires_at = @expires_at WHERE id = @id AND verified_at IS NULL AND expires_at > @now;

-- name: SpendSignUp :execrows
UPDATE sign_up SET spent_at = @now
WHERE id = @id AND verified_at IS NOT NULL AND spent_at IS NULL AND expires_at > @now;

-- name: DeleteSignUpsBefore :execrows
DELETE FROM sign_up WHERE id IN (SELECT s.id FROM sign_up s WHERE s.expires_at < @before ORDER BY s.expires_at LIMIT CAST(@max_rows AS BIGINT));

-- name: DeleteSignUpsByMail :exec
DELETE FROM sign_up WHERE mail = @mail;

-- name: PasswordByUser :one
SELECT user_id, phc, alone, changed_at FROM password WHERE user_id = @user_id;

-- name: InsertPassword :exec
INSERT INTO password (user_id, phc, alone, changed_at) VALUES (@user_id, @phc, @alone, @changed_at);

-- name: ChangePassword :execrows
UPDATE password SET phc = @phc, alone = @alone, changed_at = @changed_at WHERE user_id = @user_id;

-- name: ListPasswords :many
SELECT user_id, phc FROM password WHERE user_id > @after ORDER BY user_id LIMIT CAST(@max_rows AS BIGINT);

-- name: DeletePasswordByUser :exec
DELETE FROM password WHERE user_id = @user_id;

-- name: RehashPassword :execrows
UPDATE password SET phc = @phc WHERE user_id = @user_id AND phc = @old_phc;

-- name: TOTPByUser :one
SELECT user_id, sealed, last_step, created_at, confirmed_at, failures, backup FROM totp WHERE user_id = @user_id;

-- name: PutTOTP :execrows
INSERT INTO totp (user_id, sealed, last_step, created_at, failures) VALUES (@user_id, @sealed, 0, @created_at, 0)
ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, last_step = 0, failures = 0, created_at = excluded.created_at
WHERE totp.confirmed_at IS NULL;

-- name: ConfirmTOTP :execrows
UPDATE totp SET confirmed_at = @confirmed_at WHERE user_id = @user_id AND confirmed_at IS NULL;

-- name: SpendTOTPStep :execrows
UPDATE totp SET last_step = @step WHERE user_id = @user_id AND last_step < @step;

-- name: CountTOTPFailure :one
UPDATE totp SET failures = failures + 1 WHERE user_id = @user_id RETURNING failures;

-- name: ForgetTOTPFailures :exec
UPDATE totp SET failures = 0 WHERE user_id = @user_id AND failures > 0;

-- name: DeleteTOTP :execrows
DELETE FROM totp WHERE user_id = @user_id;

-- name: InsertPasskey :execrows
INSERT INTO passkey (id, user_id, credential_id, credential, name, created_at, approves_from, attested)
VALUES (@id, @user_id, @credential_id, @credential, @name, @created_at, @approves_from, @attested) ON CONFLICT DO NOTHING;

-- name: ListPasskeysByUser :many
SELECT id, user_id, credential_id, credential, name, created_at, last_used_at, approves_from, attested, tested_at, test_failed_at, backup FROM passkey
WHERE user_id = @user_id AND removed_at IS NULL ORDER BY created_at;

-- name: UsePasskey :execrows
UPDATE passkey SET credential = @credential, last_used_at = @last_used_at WHERE id = @id AND removed_at IS NULL;

-- name: TestPasskey :execrows
UPDATE passkey SET tested_at = @tested_at WHERE id = @id AND user_id = @user_id AND removed_at IS NULL;

-- name: FailPasskeyTest :execrows
UPDATE passkey SET test_failed_at = @test_failed_at WHERE id = @id AND user_id = @user_id AND removed_at IS NULL;

-- name: RenamePasskey :execrows
UPDATE passkey SET name = @name WHERE id = @id AND user_id = @user_id AND removed_at IS NULL;

-- name: RemovePasskey :execrows
UPDATE passkey SET removed_at = @removed_at WHERE id = @id AND user_id = @user_id AND removed_at IS NULL;

-- name: DeletePasskeysByUser :exec
DELETE FROM passkey WHERE user_id = @user_id;

-- name: InsertDevice :exec
INSERT INTO device (id, token_hash, agent, created_at, last_seen_at) VALUES (@id, @token_hash, @agent, @created_at, @last_seen_at);

-- name: DeviceByToken :one
SELECT id, agent, created_at, last_seen_at FROM device WHERE token_hash = @token_hash;

-- name: SeeDevice :execrows
UPDATE device SET last_seen_at = @last_seen_at, agent = @agent WHERE id = @id;

-- name: DeviceUser :one
SELECT first_seen_at, last_seen_at FROM device_user WHERE device_id = @device_id AND user_id = @user_id AND forgotten_at IS NULL;

-- name: PutDeviceUser :exec
INSERT INTO device_user (device_id, user_id, first_seen_at, last_seen_at) VALUES (@device_id, @user_id, @now, @now)
ON CONFLICT (device_id, user_id) DO UPDATE SET last_seen_at = excluded.last_seen_at, forgotten_at = NULL, unremembered_at = NULL;

-- name: EndLapsedDeviceUser :exec
UPDATE device_user SET remembered_at = NULL
WHERE device_id = @device_id AND user_id = @user_id AND (forgotten_at IS NOT NULL OR last_seen_at <= @since);

-- name: ForgetDeviceUser :exec
UPDATE device_user SET forgotten_at = @now, remembered_at = NULL WHERE device_id = @device_id AND user_id = @user_id AND forgotten_at IS NULL;

-- name: RememberDeviceUser :execrows
UPDATE device_user SET remembered_at = @now, unremembered_at = NULL WHERE device_id = @device_id AND user_id = @user_id AND forgotten_at IS NULL;

-- name: UnrememberDeviceUser :execrows
UPDATE device_user SET remembered_at = NULL, unremembered_at = @unremembered_at
WHERE device_id = @device_id AND user_id = @user_id AND remembered_at IS NOT NULL;

-- name: SetNeverRemembered :execrows
UPDATE users SET never_remembered = @never_remembered WHERE id = @id AND never_remembered <> @never_remembered;

-- name: MakeStaff :execrows
UPDATE users SET staff_at = @now WHERE id = @id AND staff_at IS NULL;

-- name: EndStaff :execrows
UPDATE users SET staff_at = NULL WHERE id = @id AND staff_at IS NOT NULL;

-- name: UnrememberUser :exec
UPDATE device_user SET remembered_at = NULL, unremembered_at = @unremembered_at WHERE user_id = @user_id AND remembered_at IS NOT NULL;

-- name: ListRememberedByDevice :many
SELECT u.id, u.name, u.mail FROM device_user d JOIN users u ON u.id = d.user_id
WHERE d.device_id = @device_id AND d.remembered_at IS NOT NULL AND d.forgotten_at IS NULL AND d.last_seen_at > @since AND u.disabled_at IS NULL
ORDER BY d.last_seen_at DESC, u.id LIMIT CAST(@max_rows AS BIGINT);

-- name: CountLapsedOn :one
SELECT CAST(COALESCE(SUM(CASE WHEN remembered_at IS NOT NULL AND forgotten_at IS NULL AND last_seen_at <= @since THEN 1 ELSE 0 END), 0) AS BIGINT) AS unused,
    CAST(COALESCE(SUM(CASE WHEN unremembered_at > @after OR remembered_at IS NOT NULL AND forgotten_at > @after THEN 1 ELSE 0 END), 0) AS BIGINT) AS ended
FROM device_user WHERE device_id = @device_id;

-- name: LapsedBrowser :one
SELECT accounts FROM lapsed_browser WHERE token_hash = @token_hash;

-- name: NoteLapsedBrowsers :exec
INSERT INTO lapsed_browser (token_hash, accounts, lapsed_at)
SELECT d.token_hash, COUNT(*), @now FROM device d JOIN device_user u ON u.device_id = d.id
WHERE u.remembered_at IS NOT NULL AND u.forgotten_at IS NULL AND d.id IN (
    SELECT o.id FROM device o WHERE o.last_seen_at < @before ORDER BY o.last_seen_at, o.id LIMIT CAST(@max_rows AS BIGINT)
) GROUP BY d.token_hash
ON CONFLICT DO NOTHING;

-- name: DeleteLapsedBrowsersBefore :execrows
DELETE FROM lapsed_browser WHERE token_hash IN (
    SELECT l.token_hash FROM lapsed_browser l WHERE l.lapsed_at < @before ORDER BY l.lapsed_at LIMIT CAST(@max_rows AS BIGINT)
);

-- name: ListRemembering :many
SELECT d.id, d.agent, u.remembered_at, u.last_seen_at FROM device_user u JOIN device d ON d.id = u.device_id
WHERE u.user_id = @user_id AND u.remembered_at IS NOT NULL AND u.forgotten_at IS NULL AND u.last_seen_at > @since
ORDER BY u.last_seen_at DESC, d.id;

-- name: PlaceKnownFrom :one
SELECT known_from FROM device_place WHERE device_id = @device_id AND user_id = @user_id AND network = @network AND family = @family;

-- name: PutPlace :exec
INSERT INTO device_place (device_id, user_id, network, family, known_from, last_seen_at)
VALUES (@device_id, @user_id, @network, @family, @known_from, @last_seen_at)
ON CONFLICT (device_id, user_id, network, family) DO UPDATE SET last_seen_at = excluded.last_seen_at,
    known_from = CASE
        WHEN device_place.known_from IS NULL THEN excluded.known_from
        WHEN excluded.known_from < device_place.known_from THEN excluded.known_from
        ELSE device_place.known_from
    END;

-- name: UnsettlePlacesByDevice :exec
UPDATE device_place SET known_from = NULL WHERE device_id = @device_id AND user_id = @user_id AND known_from > @now;

-- name: UnsettlePlacesByUser :exec
UPDATE device_place SET known_from = NULL WHERE user_id = @user_id AND known_from > @now;

-- name: TrimPlaces :exec
DELETE FROM device_place WHERE device_place.device_id = @device_id AND device_place.user_id = @user_id AND (device_place.network, device_place.family) IN (
    SELECT p.network, p.family FROM device_place p WHERE p.device_id = @device_id AND p.user_id = @user_id
    ORDER BY p.last_seen_at DESC, p.network, p.family LIMIT 1000000 OFFSET CAST(@keep AS BIGINT)
);

-- name: DeletePlacesBefore :exec
DELETE FROM device_place WHERE device_id IN (
    SELECT d.id FROM device d WHERE d.last_seen_at < @before ORDER BY d.last_seen_at, d.id LIMIT CAST(@max_rows AS BIGINT)
);

-- name: DeletePlacesByUser :exec
DELETE FROM device_place WHERE user_id = @user_id;

-- name: DeleteDeviceUsersBefore :exec
DELETE FROM device_user WHERE device_id IN (
    SELECT d.id FROM device d WHERE d.last_seen_at < @before ORDER BY d.last_seen_at, d.id LIMIT CAST(@max_rows AS BIGINT)
);

-- name: DeleteDevicesBefore :execrows
DELETE FROM device WHERE device.last_seen_at < @before AND device.id IN (
    SELECT d.id FROM device d WHERE d.last_seen_at < @before ORDER BY d.last_seen_at, d.id LIMIT CAST(@max_rows AS BIGINT)
);

-- name: ListLosableDevices :many
SELECT u.device_id, d.agent, u.first_seen_at, u.last_seen_at, u.forgotten_at FROM device_user u JOIN device d ON d.id = u.device_id
WHERE u.user_id = @user_id ORDER BY u.last_seen_at DESC, u.device_id;

-- name: DeleteDeviceUsersByUser :exec
DELETE FROM device_user WHERE user_id = @user_id;

-- name: RaiseUser :execrows
INSERT INTO high_value (user_id, raised_at, from_at) SELECT u.id, @raised_at, @from_at FROM users u WHERE u.id = @user_id ON CONFLICT DO NOTHING;

-- name: LowerUser :execrows
DELETE FROM high_value WHERE user_id = @user_id;

-- name: RaisedFrom :one
SELECT from_at FROM high_value WHERE user_id = @user_id;

-- name: LockUser :execrows
INSERT INTO user_lock (user_id, locked_at) SELECT u.id, @locked_at FROM users u WHERE u.id = @user_id ON CONFLICT DO NOTHING;

-- name: UnlockUser :execrows
DELETE FROM user_lock WHERE user_id = @user_id;

-- name: LockedSince :one
SELECT locked_at FROM user_lock WHERE user_id = @user_id;

-- name: ListDemands :many
SELECT area, since_at, until_at FROM demand WHERE user_id = @user_id ORDER BY area;

-- name: PutDemand :execrows
INSERT INTO demand (user_id, area, since_at) VALUES (@user_id, @area, @since_at)
ON CONFLICT (user_id, area) DO UPDATE SET since_at = excluded.since_at, until_at = NULL WHERE demand.until_at IS NOT NULL;

-- name: EndDemand :execrows
UPDATE demand SET until_at = @until_at WHERE user_id = @user_id AND area = @area AND until_at IS NULL;

-- name: KeepDemands :exec
UPDATE demand SET until_at = NULL WHERE user_id = @user_id AND until_at > @now;

-- name: DeleteDemandsByUser :exec
DELETE FROM demand WHERE user_id = @user_id;

-- name: MarkPasskeyBackup :execrows
UPDATE passkey SET backup = @backup WHERE id = @id AND user_id = @user_id AND removed_at IS NULL;

-- name: MarkTOTPBackup :execrows
UPDATE totp SET backup = @backup WHERE user_id = @user_id AND confirmed_at IS NOT NULL;
