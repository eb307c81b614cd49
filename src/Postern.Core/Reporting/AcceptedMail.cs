using System.Text;

namespace Postern.Core.Reporting;

/// <summary>Reads in a mail log from which addresses smtpd took mail, and whose.</summary>
/// <param name="today">For time stamps without a year.</param>
public sealed class AcceptedMail(DateTime today)
{
    private const int MostQueueIds = 200_000; // with mail under way; beyond that its sender stays unknown
    private const int MostAddresses = 4_000_000;

    private readonly Dictionary<string, IpAddress> _mails = new(StringComparer.Ordinal);
    private readonly Dictionary<IpAddress, (string? Sender, string? Recipient)> _addresses = [];

    /// <summary>Takes in one line.</summary>
    /// <param name="line">Without its line end.</param>
    public void Add(ReadOnlySpan<byte> line)
    {
        if (!MailLogLine.TryParse(line, today, out var parsed) || parsed.Text.IndexOf(": "u8) is not (> 0 and <= 20 and var end))
            return;
        var rest = parsed.Text[(end + 2)..];
        if (rest.StartsWith("client="u8) && parsed.Program.SequenceEqual("smtpd"u8) && ClientText.TryReadNamed(rest, out var address) && _addresses.Count < MostAddresses)
        {
            _addresses.TryAdd(address, default);
            if (_mails.Count < MostQueueIds)
                _mails[Encoding.Latin1.GetString(parsed.Text[..end])] = address;
            return;
        }

        if (_mails.Count == 0 || !_mails.TryGetValue(Encoding.Latin1.GetString(parsed.Text[..end]), out address))
            return;
        if (rest.SequenceEqual("removed"u8))
            _mails.Remove(Encoding.Latin1.GetString(parsed.Text[..end]));
        else if (rest.StartsWith("from=<"u8))
            _addresses[address] = _addresses[address] with { Sender = Angled(rest[6..]) };
        else if (rest.StartsWith("to=<"u8))
            _addresses[address] = _addresses[address] with { Recipient = Angled(rest[4..]) };
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

    private static string? Angled(ReadOnlySpan<byte> text) => text.IndexOf((byte)'>') is >= 0 and var end ? Encoding.Latin1.GetString(text[..end]) : null;
}
