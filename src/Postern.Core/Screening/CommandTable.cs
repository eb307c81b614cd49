using System.Text;

namespace Postern.Core.Screening;

/// <summary>A command that the dummy engine knows.</summary>
/// <param name="Name">In upper case, as logged.</param>
/// <param name="NameBytes">The same as bytes.</param>
/// <param name="IsImplemented">False: answered like an unknown word, but never a non-SMTP command.</param>
/// <param name="NeedsTls">Refused before STARTTLS when that is demanded.</param>
/// <param name="MayBePipelined">What follows at once is part of the command.</param>
internal sealed record DummyCommand(string Name, byte[] NameBytes, bool IsImplemented, bool NeedsTls, bool MayBePipelined);

/// <summary>The dummy engine's commands.</summary>
internal static class CommandTable
{
    /// <summary>What the log calls a word that is not in the table.</summary>
    internal const string Unimplemented = "UNIMPLEMENTED";

    /// <summary>What the log calls the time before the first command.</summary>
    internal const string BeforeFirst = "CONNECT";

    internal static readonly DummyCommand[] All =
    [
        Row("HELO"), Row("EHLO"), Row("STARTTLS"), Row("XCLIENT", isImplemented: false), Row("XFORWARD", isImplemented: false),
        Row("AUTH", isImplemented: false), Row("MAIL", needsTls: true), Row("RCPT", needsTls: true), Row("DATA", needsTls: true),
        Row("BDAT", needsTls: true, mayBePipelined: true), Row("RSET", needsTls: true), Row("NOOP"), Row("VRFY", needsTls: true),
        Row("ETRN", needsTls: true), Row("QUIT"),
    ];

    private static readonly byte[] UnimplementedBytes = Encoding.ASCII.GetBytes(Unimplemented);
    private static readonly byte[] BeforeFirstBytes = Encoding.ASCII.GetBytes(BeforeFirst);

    /// <summary>The command of this verb, in any letter case.</summary>
    internal static DummyCommand? Find(ReadOnlySpan<byte> verb)
    {
        foreach (var command in All)
        {
            if (Is(verb, command.NameBytes))
                return command;
        }

        return null;
    }

    /// <summary>Whether the verb is this one, in any letter case.</summary>
    internal static bool Is(ReadOnlySpan<byte> verb, ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(verb, name);

    /// <summary>The bytes of a command's logged name.</summary>
    internal static ReadOnlySpan<byte> NameBytes(string name)
    {
        if (ReferenceEquals(name, BeforeFirst))
            return BeforeFirstBytes;
        foreach (var command in All)
        {
            if (ReferenceEquals(name, command.Name))
                return command.NameBytes;
        }

        return UnimplementedBytes;
    }

    private static DummyCommand Row(string name, bool isImplemented = true, bool needsTls = false, bool mayBePipelined = false) =>
        new(name, Encoding.ASCII.GetBytes(name), isImplemented, needsTls, mayBePipelined);
}
