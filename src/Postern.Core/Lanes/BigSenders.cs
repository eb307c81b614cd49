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
/// is the list of clients that postgrey ships; "headers" are the names in the Received fields of the sender's mail, of which
/// there is no published list.
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
        new("mail.qq.com", "QQ Mail", "out203-205-221-190.mail.qq.com", "headers"),
        new("mailgun.net", "Mailgun", "m69-169.mailgun.net", "postgrey 1.37"),
        new("mandrillapp.com", "Mailchimp Transactional", "mail180-6.suw31.mandrillapp.com", "headers"),
        new("mcsv.net", "Mailchimp", "mail134-17.atl141.mcsv.net", "headers"),
        new("me.com", "iCloud Mail", "qs51p00im-qukt01071502.me.com", "headers"),
        new("mixi.jp", "mixi", "n2.59-106-41-68.mixi.jp", "S25R 2007"),
        new("outlook.com", "Microsoft 365, Outlook.com", "mail-sn1nam02on0613.outbound.protection.outlook.com", "postgrey 1.37"),
        new("pphosted.com", "Proofpoint", "mx0a-00109f01.pphosted.com", "headers"),
        new("protonmail.ch", "Proton Mail", "mail-40131.protonmail.ch", "postgrey 1.37"),
        new("rsgsv.net", "Mailchimp", "mail221-50.suw151.rsgsv.net", "headers"),
        new("sendgrid.net", "Twilio SendGrid", "o1678911x127.outbound-mail.sendgrid.net", "headers"),
        new("sparkpostmail.com", "SparkPost", "mta-66-57.sparkpostmail.com", "headers"),
        new("yahoo.co.jp", "Yahoo! Japan", "nh501-vm8.bullet.mail.kks.yahoo.co.jp", "S25R 2007"),
        new("yahoo.com", "Yahoo, AOL", "sonic313-20.consmr.mail.gq1.yahoo.com", "S25R 2007, postgrey 1.37"),
        new("zoho.com", "Zoho Mail", "sender4-op-o12.zoho.com", "headers"),
    ];
}
