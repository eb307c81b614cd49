namespace Postern.Core.Lanes;

/// <summary>A sender whose servers have names that look like end users' lines.</summary>
/// <param name="Domain">All servers of the sender whose names lead back are at or below it, and no end users are.</param>
/// <param name="Who">The sender.</param>
/// <param name="Example">A name of such a server; a rule of <see cref="GenericNames"/> matches it.</param>
/// <param name="Source">Where the row comes from, see <see cref="BigSenders"/>.</param>
public sealed record BigSender(string Domain, string Who, string Example, string Source);

/// <summary>
/// The default of <c>postern_rdns_big_senders</c>. Only senders are here whose names match a rule: the others need no
/// exception. The domains of cloud providers that rent out machines do not belong here.
/// </summary>
/// <remarks>
/// Sources: "S25R 2007" is the practical allowlist that S25R's author published (gabacho.reto.jp, July 2007); "postgrey 1.37"
/// is the list of clients that postgrey ships; "archives" are Received fields in public archives of mailing lists (vger.kernel.org,
/// lists.xenproject.org, lists.freedesktop.org, SourceForge; 2019 to 2026), where the receiving host had looked the name up;
/// "samples" are Received fields of messages that programs keep as test data.
/// </remarks>
public static class BigSenders
{
    /// <summary>Every row, by domain.</summary>
    public static readonly IReadOnlyList<BigSender> All =
    [
        new("amazonses.com", "Amazon SES", "a10-20.smtp-out.amazonses.com", "postgrey 1.37"),
        new("google.com", "Gmail, Google Workspace", "mail-yw1-f182.google.com", "S25R 2007, postgrey 1.37"),
        new("m2.home.ne.jp", "J:COM", "mta12.m2.home.ne.jp", "S25R 2007"),
        new("mail-mail.facebook.com", "Facebook", "66-220-144-147.mail-mail.facebook.com", "postgrey 1.37"),
        new("mail.qq.com", "QQ Mail", "out162-62-57-49.mail.qq.com", "archives"),
        new("mailgun.net", "Mailgun", "m69-169.mailgun.net", "postgrey 1.37"),
        new("mandrillapp.com", "Mailchimp Transactional", "mail180-16.suw31.mandrillapp.com", "archives"),
        new("me.com", "iCloud Mail", "pv50p00im-ztdg10011201.me.com", "archives"),
        new("mixi.jp", "mixi", "n2.59-106-41-68.mixi.jp", "S25R 2007"),
        new("outlook.com", "Microsoft 365, Outlook.com", "mail-sn1nam02on0613.outbound.protection.outlook.com", "postgrey 1.37"),
        new("pphosted.com", "Proofpoint", "mx0a-001b2d01.pphosted.com", "archives"),
        new("protonmail.ch", "Proton Mail", "mail-40131.protonmail.ch", "postgrey 1.37"),
        new("rsgsv.net", "Mailchimp", "mail136-64.atl31.rsgsv.net", "samples"),
        new("sendgrid.net", "Twilio SendGrid", "o1678910x203.outbound-mail.sendgrid.net", "archives"),
        new("sparkpostmail.com", "SparkPost", "mta-174-84-143.intercom.com.sparkpostmail.com", "archives"),
        new("yahoo.co.jp", "Yahoo! Japan", "nh501-vm8.bullet.mail.kks.yahoo.co.jp", "S25R 2007"),
        new("yahoo.com", "Yahoo, AOL", "sonic313-20.consmr.mail.gq1.yahoo.com", "S25R 2007, postgrey 1.37"),
        new("zoho.com", "Zoho Mail", "sender4-op-o12.zoho.com", "archives"),
    ];
}
