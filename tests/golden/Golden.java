// Answers every row of a golden file again, by the classes of Apache Flink 2.3.0, and prints the file as it then is:
//
//   benches/peers/flink/get.sh target/flink
//   java -cp 'target/flink/pyflink/lib/*' tests/golden/Golden.java tests/golden/keygroup_ranges.csv
//
// What is asked is taken from the file (keys, parallelisms, old states), so that more rows are made by writing the
// columns that ask. It does not read precondition_errors.csv.

import java.math.*;
import java.nio.file.*;
import java.time.*;
import java.util.*;
import java.util.function.*;
import java.util.stream.*;
import org.apache.flink.api.java.tuple.Tuple;
import org.apache.flink.runtime.checkpoint.*;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.runtime.state.*;
import org.apache.flink.runtime.state.OperatorStateHandle.StateMetaInfo;
import org.apache.flink.runtime.state.memory.ByteStreamStateHandle;
import org.apache.flink.types.*;
import org.apache.flink.util.MathUtils;

class Golden {
    static long digest = 0xcbf29ce484222325L;

    static void feed(int word) {
        digest = (digest ^ Integer.toUnsignedLong(word)) * 0x100000001b3L;
    }

    static KeyGroupRange range(int max, int parallelism, int index) {
        return KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(max, parallelism, index);
    }

    static int owner(int max, int parallelism, int keyGroup) {
        return KeyGroupRangeAssignment.computeOperatorIndexForKeyGroup(max, parallelism, keyGroup);
    }

    // keygroup_assignment.csv

    static Object key(String type, String key) {
        if (key.equals("null")) return null;
        Function<String, String> hex = text -> Arrays.stream(text.split("(?<=\\G....)")).filter(unit -> !unit.isEmpty())
            .map(unit -> String.valueOf((char) Integer.parseInt(unit, 16))).collect(Collectors.joining());
        return switch (type) {
            case "String" -> hex.apply(key);
            case "Character" -> hex.apply(key).charAt(0);
            case "Integer" -> Integer.valueOf(key);
            case "Long" -> Long.valueOf(key);
            case "Short" -> Short.valueOf(key);
            case "Byte" -> Byte.valueOf(key);
            case "Boolean" -> Boolean.valueOf(key);
            case "Double" -> Double.longBitsToDouble(Long.parseUnsignedLong(key, 16));
            case "Float" -> Float.intBitsToFloat(Integer.parseUnsignedInt(key, 16));
            case "BigInteger" -> new BigInteger(key);
            case "BigDecimal" -> new BigDecimal(new BigInteger(key.split("/")[0]), Integer.parseInt(key.split("/")[1]));
            case "Instant" -> Instant.ofEpochSecond(Long.parseLong(key.split("/")[0]), Long.parseLong(key.split("/")[1]));
            case "UUID" -> UUID.fromString(key);
            case "LocalDate" -> LocalDate.parse(key);
            case "LocalTime" -> LocalTime.parse(key);
            case "LocalDateTime" -> LocalDateTime.parse(key);
            default -> {
                List<Object> fields = new ArrayList<>();
                for (String field : fields(key.substring(key.indexOf('(') + 1, key.length() - 1))) {
                    String[] parts = field.split(":", 2);
                    fields.add(parts.length == 1 ? null : key(parts[0], parts[1]));
                }
                if (type.equals("Row")) {
                    RowKind kind = Arrays.stream(RowKind.values()).filter(it -> key.startsWith(it.shortString())).findAny().get();
                    yield Row.ofKind(kind, fields.toArray());
                }
                Tuple tuple = Tuple.newInstance(fields.size());
                for (int at = 0; at < fields.size(); at++) tuple.setField(fields.get(at), at);
                yield tuple;
            }
        };
    }

    // Parted by semicolons, but for those of a tuple inside.
    static List<String> fields(String text) {
        List<String> fields = new ArrayList<>();
        int depth = 0, from = 0;
        for (int at = 0; at < text.length(); at++) {
            depth += text.charAt(at) == '(' ? 1 : text.charAt(at) == ')' ? -1 : 0;
            if (text.charAt(at) != ';' || depth > 0) continue;
            fields.add(text.substring(from, at));
            from = at + 1;
        }
        if (!text.isEmpty()) fields.add(text.substring(from));
        return fields;
    }

    static String assignment(String[] row) {
        Object key = key(row[0], row[1]);
        int hash = key.hashCode();
        return row[0] + "," + row[1] + "," + hash + "," + MathUtils.murmurHash(hash) + ","
            + IntStream.of(1, 2, 3, 7, 127, 128, 129, 1000, 4096, 32767, 32768)
                .mapToObj(max -> "" + KeyGroupRangeAssignment.assignToKeyGroup(key, max)).collect(Collectors.joining(","));
    }

    // keygroup_ranges.csv

    static String ranges(String[] row) {
        int max = Integer.parseInt(row[0]), parallelism = Integer.parseInt(row[1]);
        List<String> ranges = new ArrayList<>();
        digest = 0xcbf29ce484222325L;
        for (int index = 0; index < parallelism; index++) {
            KeyGroupRange range = range(max, parallelism, index);
            feed(range.getStartKeyGroup());
            feed(range.getEndKeyGroup());
            if (parallelism <= 64 || index < 8 || index >= parallelism - 8) ranges.add(range.getStartKeyGroup() + "-" + range.getEndKeyGroup());
            if (parallelism > 64 && index == 7) ranges.add("...");
        }
        for (int keyGroup = 0; keyGroup < max; keyGroup++) feed(owner(max, parallelism, keyGroup));
        return max + "," + parallelism + "," + String.join(";", ranges) + "," + String.format("%016x", digest);
    }

    // keygroup_digest.csv: a row goes on where the one before of its kind has ended.

    static final Map<String, long[]> RUNNING = new HashMap<>();

    static String digest(String[] row) {
        int to = Integer.parseInt(row[1]);
        long[] running = RUNNING.computeIfAbsent(row[0], kind -> new long[] {0, 0xcbf29ce484222325L});
        digest = running[1];
        for (int max = (int) running[0] + 1; max <= to; max++) {
            if (row[0].equals("digest_default")) feed(KeyGroupRangeAssignment.computeDefaultMaxParallelism(max));
            else for (int parallelism = 1; parallelism <= max; parallelism++) {
                if (row[0].equals("digest_index")) for (int keyGroup = 0; keyGroup < max; keyGroup++) feed(owner(max, parallelism, keyGroup));
                else for (int index = 0; index < parallelism; index++) {
                    KeyGroupRange range = range(max, parallelism, index);
                    feed(range.getStartKeyGroup());
                    feed(range.getEndKeyGroup());
                }
            }
        }
        running[0] = to;
        running[1] = digest;
        return row[0] + "," + row[1] + "," + String.format("%016x", digest);
    }

    // default_max_parallelism.csv

    static String defaultMax(String[] row) {
        try {
            return row[0] + "," + KeyGroupRangeAssignment.computeDefaultMaxParallelism(Integer.parseInt(row[0]));
        } catch (RuntimeException error) {
            return row[0] + "," + error.getClass().getName() + ": " + error.getMessage();
        }
    }

    // keyed_state_redistribution.csv

    static String keyed(String[] row) {
        int max = Integer.parseInt(row[0]), old = Integer.parseInt(row[1]), parallelism = Integer.parseInt(row[2]);
        OperatorState state = new OperatorState("", "", new OperatorID(), old, max);
        for (int subtask = 0; subtask < old; subtask++) {
            KeyGroupRangeOffsets offsets = new KeyGroupRangeOffsets(range(max, old, subtask));
            KeyedStateHandle handle = new KeyGroupsStateHandle(offsets, new ByteStreamStateHandle("" + subtask, new byte[0]));
            state.putState(subtask, OperatorSubtaskState.builder().setManagedKeyedState(handle).build());
        }
        return max + "," + old + "," + parallelism + "," + StateAssignmentOperation.createKeyGroupPartitions(max, parallelism).stream()
            .map(range -> StateAssignmentOperation.getManagedKeyedStateHandles(state, range).stream()
                .map(handle -> ((ByteStreamStateHandle) ((KeyGroupsStateHandle) handle).getDelegateStateHandle()).getHandleName()
                    + "[" + handle.getKeyGroupRange().getStartKeyGroup() + "-" + handle.getKeyGroupRange().getEndKeyGroup() + "]")
                .collect(Collectors.joining(" ")))
            .collect(Collectors.joining(";"));
    }

    // operator_state_redistribution.csv: `rows` are the states of one case.

    // Of each state, the items of each new subtask, as old subtask and item.
    static Map<String, List<List<int[]>>> repartition(List<String[]> rows) {
        int old = Integer.parseInt(rows.get(0)[3]), parallelism = Integer.parseInt(rows.get(0)[4]);
        List<List<OperatorStateHandle>> before = new ArrayList<>();
        for (int subtask = 0; subtask < old; subtask++) {
            Map<String, StateMetaInfo> states = new HashMap<>();
            boolean isThere = false;
            for (String[] row : rows) {
                String items = row[5].split("\\|")[subtask];
                isThere |= !items.equals("x");
                if (items.equals("x") || items.equals("-")) continue;
                long[] offsets = LongStream.range(0, Long.parseLong(items)).toArray();
                states.put(row[1], new StateMetaInfo(offsets, OperatorStateHandle.Mode.valueOf(row[2])));
            }
            StreamStateHandle stream = new ByteStreamStateHandle("" + subtask, new byte[0]);
            before.add(isThere ? List.of(new OperatorStreamStateHandle(states, stream)) : List.of());
        }
        Map<String, List<List<int[]>>> after = new HashMap<>();
        for (List<OperatorStateHandle> handles : RoundRobinOperatorStateRepartitioner.INSTANCE.repartitionState(before, old, parallelism)) {
            for (String[] row : rows) {
                List<int[]> items = new ArrayList<>();
                for (OperatorStateHandle handle : handles) {
                    StateMetaInfo state = handle.getStateNameToPartitionOffsets().get(row[1]);
                    int subtask = Integer.parseInt(((ByteStreamStateHandle) handle.getDelegateStateHandle()).getHandleName());
                    if (state != null) for (long offset : state.getOffsets()) items.add(new int[] {subtask, (int) offset});
                }
                after.computeIfAbsent(row[1], state -> new ArrayList<>()).add(items);
            }
        }
        return after;
    }

    // The last column is kept: whether the order depends on names can only be tried with some.
    static void operator(List<String[]> rows) {
        var states = repartition(rows);
        for (String[] row : rows) {
            String items = states.get(row[1]).stream().map(subtask -> subtask.stream().sorted(Arrays::compare)
                .map(item -> item[0] + ":" + item[1]).collect(Collectors.joining(" "))).collect(Collectors.joining(";"));
            System.out.println(String.join(",", Arrays.copyOf(row, 6)) + "," + items + "," + row[7]);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Path file = Path.of(arguments[0]);
        List<String[]> open = new ArrayList<>();
        boolean isData = false;
        for (String line : Files.readAllLines(file)) {
            if (!isData || line.startsWith("#")) {
                System.out.println(line);
                isData |= !line.startsWith("#");
                continue;
            }
            String[] row = line.split(",", -1);
            switch (file.getFileName().toString()) {
                case "keygroup_assignment.csv" -> System.out.println(assignment(row));
                case "keygroup_ranges.csv" -> System.out.println(ranges(row));
                case "keygroup_digest.csv" -> System.out.println(digest(row));
                case "default_max_parallelism.csv" -> System.out.println(defaultMax(row));
                case "keyed_state_redistribution.csv" -> System.out.println(keyed(row));
                case "operator_state_redistribution.csv" -> {
                    if (!open.isEmpty() && !open.get(0)[0].equals(row[0])) {
                        operator(open);
                        open.clear();
                    }
                    open.add(row);
                }
                default -> throw new IllegalArgumentException("no golden file that this reads: " + file);
            }
        }
        if (!open.isEmpty()) operator(open);
    }
}
