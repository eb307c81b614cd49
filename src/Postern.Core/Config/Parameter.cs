namespace Postern.Core.Config;

/// <summary>How a parameter's text is converted.</summary>
public enum ParameterKind
{
    /// <summary>Text, after <c>$name</c> expansion.</summary>
    Text,

    /// <summary>Text that is not expanded, because its own syntax uses <c>$</c>.</summary>
    Raw,

    /// <summary>A whole number of 32 bits.</summary>
    WholeNumber,

    /// <summary>A whole number of 64 bits.</summary>
    LargeNumber,

    /// <summary>A time: a whole number and a unit letter.</summary>
    Time,

    /// <summary><c>yes</c> or <c>no</c>.</summary>
    YesNo,
}

/// <summary>What a parameter is to Postern.</summary>
public enum ParameterUse
{
    /// <summary>Postern acts on it.</summary>
    Used,

    /// <summary>It matters as the default of another parameter and in <c>$name</c>.</summary>
    Default,

    /// <summary>Known, so that configurations of Postfix load; no effect on Postern.</summary>
    Unused,

    /// <summary>The former name of another parameter, used when that one is not set.</summary>
    OldName,
}

/// <summary>The concern that a parameter belongs to; the order is the order of the documentation.</summary>
public enum ParameterGroup
{
    /// <summary>Who is let in before any test.</summary>
    Connections,

    /// <summary>Tests before the 220 greeting.</summary>
    EarlyTests,

    /// <summary>Tests after the 220 greeting.</summary>
    DeepTests,

    /// <summary>The dummy SMTP engine.</summary>
    Engine,

    /// <summary>The temporary allowlist.</summary>
    Allowlist,

    /// <summary>What Postern has and postscreen has not.</summary>
    Postern,

    /// <summary>Names, addresses and networks of this machine.</summary>
    Identity,

    /// <summary>Directories, users and processes.</summary>
    Process,

    /// <summary>The log.</summary>
    Log,

    /// <summary>Lookup tables.</summary>
    Tables,

    /// <summary>TLS.</summary>
    Tls,

    /// <summary>DNS list lookups.</summary>
    Dnsblog,

    /// <summary>Former names.</summary>
    OldNames,
}

/// <summary>A parameter of main.cf. The row drives parsing, validation, documentation and <c>postern config</c>.</summary>
/// <param name="Name">As written in main.cf.</param>
/// <param name="Kind">How its text is converted.</param>
/// <param name="Default">The text that stands for an absent entry, before expansion.</param>
/// <param name="Group">Where it is documented.</param>
/// <param name="Summary">One sentence for administrators.</param>
public sealed record Parameter(string Name, ParameterKind Kind, string Default, ParameterGroup Group, string Summary)
{
    /// <summary>What it is to Postern.</summary>
    public ParameterUse Use { get; init; } = ParameterUse.Used;

    /// <summary>Smallest number (seconds for a time); 0 is Postfix's "no check", and then negative numbers pass.</summary>
    public long Minimum { get; init; }

    /// <summary>Largest number; 0: no check.</summary>
    public long Maximum { get; init; }

    /// <summary>Smallest number of bytes after expansion; 0: may be empty.</summary>
    public int MinimumLength { get; init; }

    /// <summary>For the documentation, when the default depends on the machine and <see cref="Default"/> cannot say it.</summary>
    public string? DefaultNote { get; init; }

    /// <summary>The unit of a time without letter.</summary>
    public char? Unit => Kind == ParameterKind.Time ? Default[^1] : null;
}
