namespace Postern.Core.Smtp;

/// <summary>A command line cut into verb and arguments. The blank is the only separator: a tab is part of a word.</summary>
public readonly ref struct CommandLine
{
    /// <param name="line">The line without its end. A NUL ends it.</param>
    public CommandLine(ReadOnlySpan<byte> line)
    {
        var nul = line.IndexOf((byte)0);
        IsCut = nul >= 0;
        if (IsCut)
            line = line[..nul];
        Text = line;
        Verb = NextWord(ref line);
        Arguments = line;
    }

    /// <summary>The whole line up to a NUL.</summary>
    public ReadOnlySpan<byte> Text { get; }

    /// <summary>A NUL ended it: the client said more.</summary>
    public bool IsCut { get; }

    /// <summary>The first word as the client wrote it; empty when there is none.</summary>
    public ReadOnlySpan<byte> Verb { get; }

    /// <summary>What stands behind the blank that ends the verb.</summary>
    public ReadOnlySpan<byte> Arguments { get; }

    /// <summary>The first word of the arguments; empty when there is none.</summary>
    public ReadOnlySpan<byte> FirstArgument
    {
        get
        {
            var rest = Arguments;
            return NextWord(ref rest);
        }
    }

    /// <summary>Takes the next blank-separated word off the front of <paramref name="text"/>, and one blank behind it.</summary>
    private static ReadOnlySpan<byte> NextWord(scoped ref ReadOnlySpan<byte> text)
    {
        var start = text.IndexOfAnyExcept((byte)' ');
        if (start < 0)
        {
            text = default;
            return default;
        }

        text = text[start..];
        var end = text.IndexOf((byte)' ');
        var word = end < 0 ? text : text[..end];
        text = end < 0 ? default : text[(end + 1)..];
        return word;
    }
}
