namespace Postern.Receiver;

/// <summary>Bytes that make servers disagree about where a line ends, and so carry smuggled mail; none is ever accepted.</summary>
internal enum LineViolation
{
    /// <summary>Nothing wrong so far.</summary>
    None,

    /// <summary>A LF without CR before it.</summary>
    BareLf,

    /// <summary>A CR without LF after it.</summary>
    BareCr,

    /// <summary>A zero byte.</summary>
    Nul,

    /// <summary>A command line longer than <see cref="CommandReader.MaxLength"/>.</summary>
    TooLong,
}
