using System.Text;
using Postern.Logging;

namespace Postern.Tests.Logging;

/// <summary>Keeps what it is given, as far as it has been told to take it.</summary>
internal sealed class MemoryDestination : ILogDestination
{
    private readonly StringBuilder _text = new();

    public bool IsSyslog { get; init; }

    /// <summary>Bytes that it still takes.</summary>
    public int Room { get; set; } = int.MaxValue;

    public int Writes { get; private set; }

    public int Waits { get; private set; }

    public bool IsClosed { get; private set; }

    public string? Warning { get; set; }

    public string Text => _text.ToString();

    public string[] Lines => Text.Split('\n')[..^1];

    public int Write(ReadOnlySpan<byte> lines)
    {
        Writes++;
        var taken = Math.Min(Room, lines.Length);
        if (Room != int.MaxValue)
            Room -= taken;
        _text.Append(Encoding.Latin1.GetString(lines[..taken]));
        return taken;
    }

    public bool WaitForRoom(int milliseconds)
    {
        Waits++;
        return false;
    }

    public void Reopen() => _text.Append("(reopened)\n");

    public string? TakeWarning()
    {
        var warning = Warning;
        Warning = null;
        return warning;
    }

    public void Dispose() => IsClosed = true;
}
