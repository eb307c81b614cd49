using System.Globalization;
using System.Text;

namespace Postern.Receiver;

/// <summary>Counts commands by name for the disconnect line: <c>ehlo=1 mail=1 rcpt=1/2 quit=1 commands=4/5</c>, accepted/all.</summary>
internal sealed class CommandCounts
{
    /// <summary>In the order in which smtpd lists them.</summary>
    private static readonly string[] Names =
        ["HELO", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "VRFY", "ETRN", "QUIT", "UNKNOWN"];

    private readonly int[] _accepted = new int[Names.Length];
    private readonly int[] _all = new int[Names.Length];

    /// <summary>Counts a command that has not been answered yet.</summary>
    /// <param name="verb">In upper case.</param>
    /// <returns>To be given to <see cref="Accept"/> if the answer is positive.</returns>
    public int Start(string verb)
    {
        var index = Names.Length - 1;
        for (var i = 0; i < Names.Length; i++)
        {
            if (Names[i] == verb)
                index = i;
        }

        _all[index]++;
        return index;
    }

    /// <summary>The command's name in lines that say where a session ended; <c>UNKNOWN</c> for all that are not SMTP's.</summary>
    public static string NameOf(int index) => Names[index];

    /// <summary>The command had success.</summary>
    public void Accept(int index) => _accepted[index]++;

    /// <inheritdoc />
    public override string ToString()
    {
        var text = new StringBuilder();
        var (accepted, all) = (0, 0);
        for (var i = 0; i < Names.Length; i++)
        {
            accepted += _accepted[i];
            all += _all[i];
            if (_all[i] == 0)
                continue;
            Append(text, Names[i].ToLowerInvariant(), _accepted[i], _all[i]);
            text.Append(' ');
        }

        // smtpd writes the total of a session without commands as 0/0.
        if (all == 0)
            return "commands=0/0";
        Append(text, "commands", accepted, all);
        return text.ToString();
    }

    private static void Append(StringBuilder text, string name, int accepted, int all)
    {
        text.Append(name).Append('=').Append(accepted.ToString(CultureInfo.InvariantCulture));
        if (accepted != all)
            text.Append('/').Append(all.ToString(CultureInfo.InvariantCulture));
    }
}
