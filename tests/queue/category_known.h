/* Replies as servers give them, and what they are about: from the providers'
 * pages, from bounces that were seen, from the servers' own sources. */
#ifndef MTQ_TESTS_CATEGORY_KNOWN_H
#define MTQ_TESTS_CATEGORY_KNOWN_H

#include "queue/category.h"

#define BAD CATEGORY_BAD_ADDRESS
#define BOX CATEGORY_MAILBOX_FULL
#define BLK CATEGORY_BLOCKED
#define POL CATEGORY_POLICY
#define QUO CATEGORY_QUOTA
#define CON CATEGORY_CONTENT
#define NET CATEGORY_NETWORK
#define AUT CATEGORY_AUTHENTICATION
#define EXP CATEGORY_EXPIRED
#define SYS CATEGORY_SYSTEM
#define OTH CATEGORY_OTHER

static const struct known {
	enum category_kind category;
	enum stage stage;
	const char *reply;
} known[] = {
    /* Google: support.google.com/a/answer/3726730 */
    {BAD, STAGE_RCPT,
     "550-5.1.1 The email account that you tried to reach does not exist. "
     "Please 550-5.1.1 try double-checking the recipient's email address for "
     "typos or 550 5.1.1 unnecessary spaces. - gsmtp"},
    {BAD, STAGE_RCPT,
     "550-5.2.1 The email account that you tried to reach is inactive. - "
     "gsmtp"},
    {BAD, STAGE_RCPT,
     "550 5.2.1 The email account that you tried to reach is disabled. - "
     "gsmtp"},
    {BOX, STAGE_RCPT,
     "452-4.2.2 The recipient's inbox is out of storage space. Please direct "
     "the 452 4.2.2 recipient to https://support.google.com/mail - gsmtp"},
    {BOX, STAGE_RCPT,
     "552-5.2.2 The email account that you tried to reach is over quota and "
     "552 5.2.2 inactive. - gsmtp"},
    {QUO, STAGE_RCPT,
     "450-4.2.1 The user you are trying to contact is receiving mail too "
     "450 4.2.1 quickly. Please resend your message at a later time. - gsmtp"},
    {QUO, STAGE_RCPT,
     "550-5.2.1 The user you are trying to contact is receiving mail at a rate "
     "550 5.2.1 that prevents additional messages from being delivered."},
    {BLK, STAGE_DOT,
     "421-4.7.0 [192.0.2.1 15] Our system has detected that this message is "
     "421-4.7.0 suspicious due to the very low reputation of the sending IP "
     "421 4.7.0 address. - gsmtp"},
    {BLK, STAGE_DOT,
     "550-5.7.1 [192.0.2.1 19] Our system has detected that this message is "
     "550-5.7.1 likely suspicious due to the very low reputation of the "
     "sending 550 5.7.1 domain. - gsmtp"},
    {CON, STAGE_DOT,
     "550-5.7.1 [192.0.2.1 12] Our system has detected that this message is "
     "550-5.7.1 likely unsolicited mail. To reduce the amount of spam sent to "
     "Gmail, 550-5.7.1 this message has been blocked. - gsmtp"},
    {BLK, STAGE_MAIL,
     "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail "
     "421-4.7.28 originating from your IP Netblock. To protect our users "
     "421 4.7.28 from spam, mail has been temporarily rate limited. - gsmtp"},
    {AUT, STAGE_DOT,
     "550-5.7.26 This mail has been blocked because the sender is "
     "unauthenticated. 550-5.7.26 Gmail requires all senders to authenticate "
     "with either SPF or DKIM. - gsmtp"},
    {AUT, STAGE_DOT,
     "550-5.7.26 Unauthenticated email from example.com is not accepted due to "
     "550-5.7.26 domain's DMARC policy. - gsmtp"},
    {AUT, STAGE_DOT,
     "421-4.7.27 Your email has been rate limited because SPF authentication "
     "421 4.7.27 didn't pass for this message. - gsmtp"},
    {AUT, STAGE_DOT,
     "421-4.7.30 Your email has been rate limited because DKIM authentication "
     "421 4.7.30 didn't pass for this message. - gsmtp"},
    {AUT, STAGE_DOT,
     "550-5.7.25 [192.0.2.1] The IP address sending this message does not have "
     "550 5.7.25 a PTR record setup, or the corresponding forward DNS entry "
     "does not point to the sending IP. - gsmtp"},
    {POL, STAGE_RCPT,
     "421-4.7.0 TLS required for RCPT domain, closing connection. - gsmtp"},
    {POL, STAGE_DOT,
     "550 5.7.1 This message violates example.com email policy. - gcdp - "
     "gsmtp"},
    {CON, STAGE_DOT,
     "552-5.7.0 This message was blocked because its content presents a "
     "potential 552-5.7.0 security issue. - gsmtp"},
    {CON, STAGE_DOT,
     "552-5.3.4 Your message exceeded Google's message size limits. - gsmtp"},
    {CON, STAGE_DOT,
     "550-5.7.1 [192.0.2.1] Messages missing a valid address in From: header, "
     "550 5.7.1 or having no From: header, are not accepted. - gsmtp"},
    {SYS, STAGE_GREETING,
     "421 4.3.0 Temporary System Problem. Try again later. - gsmtp"},
    {NET, STAGE_GREETING, "421 4.4.5 Server busy, try again later. - gsmtp"},
    {QUO, STAGE_RCPT,
     "550-5.4.5 Daily SMTP relay sending limit exceeded for this user."},
    {QUO, STAGE_DOT,
     "421-4.7.28 Gmail has detected this message exceeded its quota for "
     "sending 421 4.7.28 messages with the same Message-ID. - gsmtp"},
    {AUT, STAGE_MAIL, "530-5.7.0 Authentication Required. - gsmtp"},
    {AUT, STAGE_AUTH,
     "535-5.7.8 Username and Password not accepted. For more information, go "
     "to 535 5.7.8 https://support.google.com/mail/?p=BadCredentials"},
    {POL, STAGE_MAIL, "530-5.7.0 Must issue a STARTTLS command first. - gsmtp"},
    /* Outlook.com and Exchange Online */
    {BAD, STAGE_RCPT,
     "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). "
     "[AM7EUR06FT041.eop-eur06.prod.protection.outlook.com]"},
    {BAD, STAGE_RCPT,
     "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP "
     "address lookup"},
    {BAD, STAGE_RCPT,
     "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) "
     "[DB5EUR03FT031.eop-EUR03.prod.protection.outlook.com]"},
    {BLK, STAGE_MAIL,
     "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please "
     "contact your Internet service provider since part of their network is "
     "on our block list (S3140)."},
    {BLK, STAGE_MAIL,
     "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. "
     "(S3150). You can also refer your provider to "
     "http://mail.live.com/mail/troubleshooting.aspx#errors."},
    {BLK, STAGE_GREETING,
     "421 RP-001 (BAY004-MC1F11) Unfortunately, some messages from 192.0.2.1 "
     "weren't sent. The mail server IP connecting to Outlook.com server has "
     "exceeded the rate limit allowed. Reason for rate limitation is related "
     "to IP/domain reputation."},
    {BLK, STAGE_GREETING,
     "550 SC-001 (COL004-MC4F5) Unfortunately, messages from 192.0.2.1 weren't "
     "sent."},
    {BLK, STAGE_RCPT,
     "550 5.7.511 Access denied, banned sender[192.0.2.1]. To request removal "
     "from this list please forward this message to "
     "delist@messaging.microsoft.com."},
    {BLK, STAGE_RCPT,
     "550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request "
     "removal from this list please visit https://sender.office.com/"},
    {BLK, STAGE_RCPT,
     "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using "
     "Spamhaus. To request removal from this list see "
     "https://www.spamhaus.org/query/ip/192.0.2.1"},
    {BLK, STAGE_MAIL,
     "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate "
     "limited due to IP reputation. For e-mail delivery information, see "
     "https://postmaster.live.com"},
    {BLK, STAGE_RCPT,
     "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. "
     "(S77719)"},
    {BLK, STAGE_RCPT,
     "550 5.7.708 Service unavailable. Access denied, traffic not accepted "
     "from this IP."},
    {BLK, STAGE_DOT,
     "550 5.7.705 Service unavailable. Access denied, tenant has exceeded "
     "threshold."},
    {BLK, STAGE_DOT, "550 5.1.8 Access denied, bad outbound sender AS(42004)"},
    {AUT, STAGE_DOT,
     "550 5.7.509 Access denied, sending domain example.com does not pass "
     "DMARC verification and has a DMARC policy of reject."},
    {AUT, STAGE_DOT,
     "550 5.7.515 Access denied, sending domain example.com doesn't meet the "
     "required authentication level."},
    {AUT, STAGE_DOT,
     "550 5.7.23 The message was rejected because of Sender Policy Framework "
     "violation"},
    {AUT, STAGE_MAIL,
     "530 5.7.57 Client not authenticated to send mail. Error: 535 5.7.139"},
    {AUT, STAGE_AUTH,
     "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is "
     "disabled for the Tenant."},
    {AUT, STAGE_AUTH,
     "550 5.7.30 Basic authentication is not supported for Client Submission."},
    {POL, STAGE_RCPT,
     "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication "
     "required; Delivery restriction check failed because the sender was not "
     "authenticated when sending to this group"},
    {POL, STAGE_RCPT,
     "550 5.7.64 TenantAttribution; Relay Access Denied "
     "[AM5EUR02FT011.eop-EUR02.prod.protection.outlook.com]"},
    {POL, STAGE_RCPT,
     "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"},
    {POL, STAGE_RCPT,
     "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized to send to this "
     "recipient"},
    {QUO, STAGE_DOT,
     "550 5.7.233 Your message can't be sent because your tenant has exceeded "
     "its daily limit for sending email to external recipients."},
    {QUO, STAGE_DOT,
     "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException "
     "Failed to process message"},
    {QUO, STAGE_MAIL,
     "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"},
    {QUO, STAGE_RCPT,
     "550 5.2.121 RESOLVER.RST.RecipientRateLimitExceeded; recipient's per "
     "hour limit exceeded"},
    {BOX, STAGE_DOT,
     "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:"
     "QuotaExceededException.MapiExceptionShutoffQuotaExceeded"},
    {CON, STAGE_DOT,
     "550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this "
     "recipient"},
    {CON, STAGE_DOT,
     "550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 "
     "compliant"},
    {CON, STAGE_DOT,
     "550 5.1.20 Multiple From addresses are not allowed without Sender"},
    {NET, STAGE_DOT,
     "554 5.4.14 Hop count exceeded - possible mail loop ATTR34"},
    {EXP, STAGE_NONE,
     "550 5.4.316 Message expired, connection refused(Socket error code "
     "10061)"},
    {BAD, STAGE_NONE,
     "550 5.4.310 DNS domain example.invalid does not exist [Message="
     "InfoDomainNonexistent]"},
    /* Yahoo, AOL: senders.yahooinc.com/smtp-error-codes */
    {BAD, STAGE_DOT,
     "554 delivery error: dd This user doesn't have a yahoo.com account "
     "(someone@yahoo.com) [0] - mta1234.mail.ne1.yahoo.com"},
    {BAD, STAGE_RCPT,
     "550 5.1.1 <someone@aol.com>: Recipient address rejected: aol.com"},
    {BAD, STAGE_DOT,
     "554 delivery error: dd Sorry, your message to someone@yahoo.com cannot "
     "be delivered. This mailbox is disabled (554.30)."},
    {BLK, STAGE_MAIL,
     "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to "
     "unexpected volume or user complaints - 4.16.55.1; see "
     "https://postmaster.yahooinc.com/error-codes"},
    {BLK, STAGE_MAIL,
     "421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently "
     "deferred; Retrying will NOT succeed. See "
     "https://postmaster.yahooinc.com/error-codes"},
    {BLK, STAGE_MAIL,
     "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, "
     "because the ip is in Spamhaus's list; see "
     "http://postmaster.yahoo.com/550-bl23.html"},
    {POL, STAGE_DOT,
     "554 5.7.9 Message not accepted for policy reasons. See "
     "https://postmaster.yahooinc.com/error-codes"},
    {AUT, STAGE_DOT,
     "550 5.7.9 This mail has been blocked because the sender is "
     "unauthenticated. Yahoo requires all senders to authenticate with either "
     "SPF or DKIM."},
    {BOX, STAGE_DOT,
     "552 1 Requested mail action aborted, mailbox not found or quota "
     "exceeded: over quota"},
    {SYS, STAGE_RCPT,
     "451 mta1.mail.yahoo.com Resources temporarily unavailable. Please try "
     "again later [#4.16.1]."},
    {SYS, STAGE_MAIL, "451 4.3.2 Internal error reading data"},
    /* GMX, WEB.DE, mail.com, T-Online, freenet */
    {BAD, STAGE_RCPT,
     "550 Requested action not taken: mailbox unavailable For explanation "
     "visit https://postmaster.gmx.net/en/error-messages?ip=192.0.2.1&c=hi"},
    {BLK, STAGE_GREETING,
     "554-gmx.net (mxgmx114) Nemesis ESMTP Service not available 554-No SMTP "
     "service 554-Bad DNS PTR resource record; IP address is black listed. 554 "
     "For explanation visit https://postmaster.gmx.net/"},
    {POL, STAGE_DOT,
     "554-Transaction failed 554-Reject due to policy restrictions. 554 For "
     "explanation visit https://postmaster.gmx.net/en/case?c=hi&i=ip"},
    {AUT, STAGE_DOT,
     "554-Transaction failed Unauthorized sender address. SPF check failed. "
     "554 For explanation visit https://postmaster.web.de/"},
    {BOX, STAGE_RCPT,
     "552-Requested mail action aborted: exceeded storage allocation 552 "
     "Quota exceeded. The recipient's mailbox is full."},
    {BOX, STAGE_RCPT,
     "550 Benutzer hat zuviele Mails auf dem Server. / User has too many "
     "messages on the server."},
    {BAD, STAGE_RCPT, "550 Benutzer nicht bekannt / User unknown"},
    {BAD, STAGE_RCPT, "550 5.1.1 <a@t-online.de> user unknown"},
    {BOX, STAGE_RCPT, "552 5.2.2 Over STORAGE quota"},
    {BLK, STAGE_GREETING,
     "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or "
     "to contact tosa@rx.t-online.de to clarify.) (BL)"},
    {BAD, STAGE_RCPT, "550 unrouteable address"},
    /* iCloud, Mail.ru, Yandex, Zoho, SendGrid, Mailgun, Postmark, SES */
    {BOX, STAGE_RCPT, "552 5.2.2 <a@icloud.com>: user is over quota"},
    {CON, STAGE_DOT,
     "554 5.7.1 [CS01] Message rejected due to local policy. Spam message "
     "rejected. Please visit https://support.apple.com/HT204137"},
    {BLK, STAGE_GREETING,
     "550 5.7.0 Blocked - see https://support.proofpoint.com/"
     "dnsbl-lookup.cgi?ip=192.0.2.1"},
    {CON, STAGE_DOT,
     "550 spam message rejected. Please visit "
     "http://help.mail.ru/notspam-support/id?c=abc or report details to "
     "abuse@corp.mail.ru. Error code: 123."},
    {BAD, STAGE_RCPT,
     "550 Message was not accepted -- invalid mailbox. Local mailbox a@mail.ru "
     "is unavailable: user not found"},
    {CON, STAGE_DOT,
     "554 5.7.1 Message rejected under suspicion of SPAM; "
     "https://ya.cc/1IrBc 1234567890"},
    {BAD, STAGE_RCPT,
     "550 5.7.1 No such user! 1234567890-abcdef-mxback1.mail.yandex.net"},
    {QUO, STAGE_AUTH, "451 Authentication failed: Maximum credits exceeded"},
    {QUO, STAGE_DOT, "454 Throttling failure: Daily message quota exceeded."},
    {QUO, STAGE_DOT, "454 Throttling failure: Maximum sending rate exceeded."},
    {POL, STAGE_DOT,
     "554 Message rejected: Email address is not verified. The following "
     "identities failed the check in region EU-WEST-1: a@example.com"},
    {AUT, STAGE_AUTH, "535 Authentication Credentials Invalid"},
    /* Gateways: Proofpoint, Mimecast, Barracuda, Cisco, Symantec, Trend */
    {BLK, STAGE_GREETING,
     "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1"},
    {BLK, STAGE_GREETING,
     "421 4.7.0 192.0.2.1 is listed by csi.cloudmark.com, see "
     "https://csi.cloudmark.com/reset-request/"},
    {AUT, STAGE_DOT, "550 5.7.0 Local Policy Violation - DMARC reject"},
    {POL, STAGE_RCPT,
     "550 Rejected by header based manually Blocked Senders - "
     "https://community.mimecast.com/docs/DOC-1369#550"},
    {POL, STAGE_DOT,
     "550 Rejected by header based Anti-Spoofing policy: a@example.com - "
     "https://community.mimecast.com/docs/DOC-1369#550"},
    {SYS, STAGE_RCPT,
     "451 Internal resource temporarily unavailable - "
     "https://community.mimecast.com/docs/DOC-1369#451"},
    {BAD, STAGE_RCPT,
     "550 Invalid Recipient - "
     "https://community.mimecast.com/docs/DOC-1369#550"},
    {BLK, STAGE_RCPT,
     "550 csi.mimecast.org Poor Reputation Sender. - "
     "https://community.mimecast.com/docs/DOC-1369#550"},
    {CON, STAGE_DOT,
     "554 Email rejected due to security policies - "
     "MCSpamSignature.x.1"},
    {BLK, STAGE_RCPT,
     "554 Service unavailable; Client host [mx.example.com] blocked using "
     "Barracuda Reputation; http://www.barracudanetworks.com/reputation/"},
    {CON, STAGE_DOT,
     "550 permanent failure for one or more recipients: "
     "Message content rejected, id=12345-01-2"},
    {BAD, STAGE_RCPT,
     "550 permanent failure for one or more recipients "
     "(a@example.com:user unknown)"},
    {BLK, STAGE_GREETING,
     "554-esa1.example.com 554 Your access to this mail system has been "
     "rejected due to the sending MTA's poor reputation. If you believe that "
     "this failure is in error, please contact the intended recipient via "
     "alternate means."},
    {BAD, STAGE_RCPT, "550 #5.1.0 Address rejected."},
    {BAD, STAGE_RCPT, "550 5.1.0 Address rejected."},
    {POL, STAGE_RCPT, "550 5.1.0 Sender denied"},
    {BLK, STAGE_RCPT,
     "501 Connection rejected by policy [7.7] 12345, please visit "
     "www.messagelabs.com/support for more details: sender IP blocked"},
    {CON, STAGE_DOT, "553-mail rejected because your message contains a virus"},
    {CON, STAGE_DOT,
     "550 5.7.1 URL in this email (example.net) found on multi.surbl.org"},
    /* Postfix, Exim, Sendmail, Dovecot, qmail, cPanel as they come */
    {BAD, STAGE_RCPT,
     "550 5.1.1 <a@example.com>: Recipient address rejected: User unknown in "
     "virtual mailbox table"},
    {BAD, STAGE_RCPT,
     "450 4.1.1 <a@example.com>: Recipient address rejected: unverified "
     "address: User unknown"},
    {POL, STAGE_RCPT,
     "450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted, see "
     "http://postgrey.schweikert.ch/help/example.com.html"},
    {POL, STAGE_RCPT,
     "451 4.7.1 Greylisting in action, please come back later"},
    {POL, STAGE_RCPT, "554 5.7.1 <a@example.com>: Relay access denied"},
    {POL, STAGE_RCPT, "550 relay not permitted"},
    {POL, STAGE_RCPT,
     "450 4.1.8 <a@example.org>: Sender address rejected: Domain not found"},
    {POL, STAGE_RCPT,
     "550-Verification failed for <a@example.org> 550-No Such User Here 550 "
     "Sender verify failed"},
    {AUT, STAGE_RCPT,
     "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]"},
    {BLK, STAGE_RCPT,
     "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using "
     "zen.spamhaus.org"},
    {BLK, STAGE_RCPT,
     "550-JunkMail rejected - mx.example.com [192.0.2.1] is in an 550 RBL, see "
     "http://www.spamcop.net/bl.shtml?192.0.2.1"},
    {CON, STAGE_DOT, "554 5.7.1 Spam message rejected"},
    {CON, STAGE_DOT,
     "550 This message was classified as SPAM and may not be "
     "delivered"},
    {CON, STAGE_MAIL, "552 5.3.4 Message size exceeds fixed limit"},
    {CON, STAGE_MAIL, "552 Message size exceeds fixed maximum message size"},
    {BOX, STAGE_RCPT,
     "552 5.2.2 <a@example.com> Quota exceeded (mailbox for user is full)"},
    {BOX, STAGE_RCPT,
     "452 4.2.2 <a@example.com> Mailbox is full / Blocks limit exceeded / "
     "Inode limit exceeded"},
    {SYS, STAGE_MAIL, "452 4.3.1 Insufficient system storage"},
    {SYS, STAGE_RCPT, "451 4.3.0 <a@example.com>: Temporary lookup failure"},
    {SYS, STAGE_RCPT,
     "451 4.3.5 <a@example.com>: Recipient address rejected: Server "
     "configuration problem"},
    {BAD, STAGE_RCPT,
     "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1): "
     "no such domain"},
    {BAD, STAGE_DOT, "554 Sorry, no mailbox here by that name. (#5.1.1)"},
    {BAD, STAGE_RCPT,
     "550 5.1.6 <a@example.com>: Recipient address rejected: User has moved"},
    {BAD, STAGE_RCPT, "551 5.7.1 User not local; no such user here"},
    {BAD, STAGE_RCPT, "556 5.1.10 Recipient address has null MX"},
    {BAD, STAGE_RCPT, "550 5.1.2 Bad destination system address"},
    {BAD, STAGE_NONE, "550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found"},
    {QUO, STAGE_RCPT,
     "550 Domain example.com has exceeded the max emails per hour (150/150 "
     "(100%)) allowed. Message discarded."},
    {QUO, STAGE_GREETING,
     "421 4.7.0 mx.example.com Error: too many connections from 192.0.2.1"},
    {QUO, STAGE_RCPT, "452 4.5.3 Error: too many recipients"},
    {QUO, STAGE_RCPT,
     "450 4.7.1 <a@example.com>: Recipient address rejected: Rate limit "
     "exceeded"},
    {NET, STAGE_DATA, "421 4.4.2 mx.example.com Error: timeout exceeded"},
    {EXP, STAGE_NONE, "550 5.4.7 delivery time expired"},
    {EXP, STAGE_NONE, "550 retry timeout exceeded"},
    {CON, STAGE_DOT, "550 5.6.0 Lone CR or LF in headers"},
    {CON, STAGE_DOT,
     "521 5.5.2 mx.example.com Error: bare <LF> received: bare "
     "newline"},
    {CON, STAGE_MAIL, "550 5.6.7 SMTPUTF8 is required, but was not offered"},
    {SYS, STAGE_MAIL, "503 5.5.1 Error: nested MAIL command"},
    {AUT, STAGE_MAIL, "538 Encryption required for requested mechanism"},
    {AUT, STAGE_AUTH, "454 4.7.0 Temporary authentication failure"},
    {AUT, STAGE_AUTH, "535 5.7.8 Error: no such user"},
    {POL, STAGE_MAIL, "550 5.1.1 <a@example.org>: user unknown"},
    {BAD, STAGE_RCPT,
     "550 5.1.1 <spam@example.com>: Recipient address rejected: User unknown"},
    {BAD, STAGE_RCPT, "550 5.1.1 blocked-abuse@example.com not here"},
    {SYS, STAGE_RCPT, "550 5.2.1 mailbox temporarily disabled"},
    {POL, STAGE_RCPT, "550 5.2.1 refused by policy"},
    /* Not a word that helps: the code and where it came */
    {BAD, STAGE_RCPT, "550 no"},
    {POL, STAGE_RCPT, "554 no"},
    {BOX, STAGE_RCPT, "552 no"},
    {POL, STAGE_MAIL, "550 no"},
    {CON, STAGE_DOT, "554 Transaction failed"},
    {POL, STAGE_DATA, "554 no"},
    {BLK, STAGE_GREETING, "554 mx.example.com"},
    {SYS, STAGE_GREETING, "421 mx.example.com"},
    {NET, STAGE_STARTTLS, "454 no"},
    {AUT, STAGE_AUTH, "535 no"},
    {SYS, STAGE_RCPT, "451 no"},
    {OTH, STAGE_RCPT, "450 no"},
    {OTH, STAGE_NONE, "550 no"},
    {POL, STAGE_RCPT, "550 5.7.1 no"},
    {NET, STAGE_NONE, "550 5.4.0 no"},
    {SYS, STAGE_RCPT, "450 4.2.1 no"},
    {BAD, STAGE_RCPT, "550 5.2.1 no"},
    {OTH, STAGE_RCPT, "450 4.1.5 no"},
};

#endif
