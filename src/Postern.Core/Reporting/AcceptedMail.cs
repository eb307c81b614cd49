using System.Text;

namespace Postern.Core.Reporting;

/// <summary>Reads in a mail log from which addresses smtpd took mail, and whose.</summary>
/// <param name="today">For time stamps without a year.</param>
public sealed class AcceptedMail(DateTime today)
{
    private const int MostQueueIds = 100_000; // of a generation of mails under way
    private const int MostAddresses = 4_000_000;

    private Dictionary<string, IpAddress> _mails = new(StringComparer.Ordinal), _olderMails = new(StringComparer.Ordinal); // two generations: not every mail is heard of again
    private readonly Dictionary<IpAddress, (string? Sender, string? Recipient)> _addresses = [];

    /// <summary>Takes in one line. A mail is taken when the queue manager has it, or a delivery: smtpd's client= comes before milters and DATA.</summary>
    /// <param name="line">Without its line end.</param>
    public void Add(ReadOnlySpan<byte> line)
    {
        if (!MailLogLine.TryParse(line, today, out var parsed) || parsed.Text.IndexOf(": "u8) is not (> 0 and <= 20 and var end))
            return;
        var rest = parsed.Text[(end + 2)..];
        if (rest.StartsWith("client="u8) && parsed.Program.SequenceEqual("smtpd"u8) && ClientText.TryReadNamed(rest, out var address))
        {
            if (_mails.Count >= MostQueueIds)
                (_olderMails, _mails) = (_mails, new(StringComparer.Ordinal));
            _mails[Encoding.Latin1.GetString(parsed.Text[..end])] = address;
            return;
        }

        if (_mails.Count == 0 || Encoding.Latin1.GetString(parsed.Text[..end]) is var id && !_mails.TryGetValue(id, out address) && !_olderMails.TryGetValue(id, out address))
            return;
        if (rest.SequenceEqual("removed"u8))
            _ = _mails.Remove(id) || _olderMails.Remove(id);
        else if (rest.StartsWith("from=<"u8) && parsed.Program.SequenceEqual("qmgr"u8))
            Take(address, Angled(rest[6..]), recipient: null);
        else if (rest.StartsWith("to=<"u8) && rest.IndexOf(" status="u8) >= 0)
            Take(address, sender: null, Angled(rest[4..]));
    }

    /// <summary>Whether smtpd took a mail from this address.</summary>
    /// <param name="sender">Of the last mail; null: not known.</param>
    /// <param name="recipient">Its last recipient; null: not known.</param>
    public bool From(IpAddress address, out string? sender, out string? recipient)
    {
        var isFound = _addresses.TryGetValue(address, out var mail);
        (sender, recipient) = mail;
        return isFound;
    }

    private void Take(IpAddress address, string? sender, string? recipient)
    {
        if (!_addresses.TryGetValue(address, out var mail) && _addresses.Count >= MostAddresses)
            return;
        _addresses[address] = (sender ?? mail.Sender, recipient ?? mail.Recipient);
    }

    private static string? Angled(ReadOnlySpan<byte> text) => text.IndexOf((byte)'>') is >= 0 and var end ? Encoding.Latin1.GetString(text[..end]) : null;
}
